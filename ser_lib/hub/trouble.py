"""The Hub's many ways to say no, each in half a line that says what to do."""

from huggingface_hub import constants, errors

# huggingface_hub 1 stands on httpx, 2 on httpx2; its own error inherits from either's base.
_HTTPError = errors.HfHubHTTPError.__bases__[0]
LOG_IN = "run `hf auth login` or set HF_TOKEN (https://huggingface.co/settings/tokens)"


def hub_trouble(error, repo_id, revision=None):
    """What went wrong with a repository and what to do, or None if it was not the Hub.

    Arguments
    ---------
    error : Exception
        As huggingface_hub raised it.
    repo_id : str
        The repository that was asked for.
    revision : str, optional
        Its branch, tag or commit that was asked for.

    Returns
    -------
    str or None
    """
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.LocalTokenNotFoundError):
        return f"no Hub token was found; {LOG_IN}"
    if isinstance(error, errors.GatedRepoError):
        return f"{repo_id} is gated: ask for access on its page, then {LOG_IN}"
    if isinstance(error, errors.RevisionNotFoundError):
        what = f"revision {revision!r}" if revision else "such revision"
        return f"{repo_id} has no {what}; check its page for branches and tags"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the Hub has no model {repo_id} that you may see; check the name, or {LOG_IN}"
    if status in (401, 403):
        return f"the Hub refuses your token for {repo_id}; {LOG_IN} with write permission"
    asked = f"revision {revision!r} of {repo_id}" if revision else repo_id
    missing = isinstance(error, errors.LocalEntryNotFoundError)
    if missing and constants.HF_HUB_OFFLINE:
        return (
            f"HF_HUB_OFFLINE is set and the Hub's cache lacks {asked}, or files of it; unset it to "
            "reach the Hub"
        )
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to reach the Hub"
    if status is not None:
        return f"the Hub answered with HTTP status {status}; try again later"
    if missing or isinstance(error, (_HTTPError, ConnectionError)):
        whatfor = f" for {asked}" if revision else ""
        return (
            f"the Hub cannot be reached{whatfor}; check the network (and HF_ENDPOINT if it is set)"
        )
    return None

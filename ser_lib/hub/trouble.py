"""The Hub's many ways to say no, each in half a line that says what to do."""

from huggingface_hub import errors

# huggingface_hub 1 stands on httpx, 2 on httpx2; its own error inherits from either's base.
_HTTPError = errors.HfHubHTTPError.__bases__[0]
LOG_IN = "run `hf auth login` or set HF_TOKEN (https://huggingface.co/settings/tokens)"


def hub_trouble(error, repo_id):
    """What went wrong with a repository and what to do, or None if it was not the Hub.

    Arguments
    ---------
    error : Exception
        As huggingface_hub raised it.
    repo_id : str
        The repository that was asked for.

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
        return f"{repo_id} has no such revision; check its page for branches and tags"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the Hub has no model {repo_id} that you may see; check the name, or {LOG_IN}"
    if status in (401, 403):
        return f"the Hub refuses your token for {repo_id}; {LOG_IN} with write permission"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to reach the Hub"
    if status is not None:
        return f"the Hub answered with HTTP status {status}; try again later"
    if isinstance(error, (errors.LocalEntryNotFoundError, _HTTPError, ConnectionError)):
        return "the Hub cannot be reached; check the network (and HF_ENDPOINT if it is set)"
    return None

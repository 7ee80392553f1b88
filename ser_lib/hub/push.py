"""Publish a model folder on the Hub, and know before training whether that can succeed."""

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils import HFValidationError, get_token, validate_repo_id

from ser_lib.errors import HubError
from ser_lib.hub.trouble import LOG_IN, hub_trouble


def check_push(repo_id, private=False):
    """Raise now what would stop :func:`push` after hours of training.

    Arguments
    ---------
    repo_id : str
        ``"model"`` or ``"person-or-organisation/model"``.
    private : bool
        Whether the repository shall be private.

    Raises
    ------
    HubError
        If the id is malformed, no token is there or it cannot write to that name, the Hub
        cannot be reached, or the repository is public already and shall be private.
    """
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise HubError(f"{repo_id!r} is no Hub id; write it as 'name/model'") from error
    if get_token() is None:
        raise HubError(f"no Hub token was found, so {repo_id} cannot be pushed; {LOG_IN}")
    api = HfApi()
    me = _ask(repo_id, api.whoami)
    if me.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise HubError(f"the Hub token may only read; make one that may write, then {LOG_IN}")
    namespace, _, _ = repo_id.rpartition("/")
    mine = [me["name"], *(org["name"] for org in me.get("orgs", []))]
    if namespace and namespace not in mine:
        raise HubError(
            f"the Hub token is {me['name']}'s, who cannot write to {namespace!r}; choose one of "
            f"{', '.join(mine)}, or {LOG_IN}"
        )
    if private:
        name = repo_id if namespace else f"{me['name']}/{repo_id}"
        try:
            known = _ask(name, lambda: api.model_info(name))
        except HubError as error:
            if isinstance(error.__cause__, RepositoryNotFoundError):
                return
            raise
        if not known.private:
            raise HubError(
                f"{repo_id} exists and is public; make it private on its page or choose another id"
            )


def push(folder, repo_id, private=False, commit_message="Upload a model trained with ser_lib"):
    """Upload a model folder to the Hub, where the repository is made if need be.

    Arguments
    ---------
    folder : str or os.PathLike
        What ``save_model`` wrote.
    repo_id : str
        As for :func:`check_push`.
    private : bool
        Whether a new repository is private; one that exists stays as it is.
    commit_message : str
        First line of the commit.

    Returns
    -------
    str
        Address of the repository.

    Raises
    ------
    HubError
        If the folder holds no model or the Hub refuses; the folder is untouched.
    """
    if not (Path(folder) / "config.json").is_file():
        raise HubError(f"{folder} holds no config.json; push the folder that training wrote")
    api = HfApi()
    url = _ask(repo_id, lambda: api.create_repo(repo_id, private=private, exist_ok=True))
    _ask(
        repo_id,
        lambda: api.upload_folder(
            repo_id=url.repo_id, folder_path=folder, commit_message=commit_message
        ),
    )
    return str(url)


def _ask(repo_id, request):
    """What the Hub answers to ``request()``, with its errors as HubError."""
    try:
        return request()
    except Exception as error:
        trouble = hub_trouble(error, repo_id)
        if trouble is None:
            raise
        raise HubError(trouble) from error

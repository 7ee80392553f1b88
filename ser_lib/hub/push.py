"""Publish a model folder on the Hub, and know before training whether that can succeed."""

import logging
import tempfile
from pathlib import Path

import yaml
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoCard
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils import (
    HFValidationError,
    filter_repo_objects,
    get_token,
    validate_repo_id,
)

from ser_lib.errors import HubError, RunError
from ser_lib.hub.exported import SUFFIX, is_of, model_sha256
from ser_lib.hub.space import write_space
from ser_lib.hub.trouble import LOG_IN, hub_trouble

logger = logging.getLogger(__name__)

# What an earlier push left would be read in the place of the new: weights that were otherwise
# divided into files, modules that have moved.
_REPLACED = {"model": ["*.safetensors", "*.safetensors.index.json"], "space": ["ser_lib/*"]}
# What a card calls the model by while it has no name.
_NAMELESS = "path/or/hub-id"


def check_push(repo_id, private=False, space=False):
    """Raise now what would stop :func:`push` after hours of training.

    Arguments
    ---------
    repo_id : str
        ``"model"`` or ``"person-or-organisation/model"``.
    private : bool
        Whether the repository shall be private.
    space : bool
        Whether a Space shall stand beside the model.

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
        for what, look in [("", api.model_info)] + [("the Space ", api.space_info)] * space:
            try:
                known = _ask(name, lambda look=look: look(name))
            except HubError as error:
                if isinstance(error.__cause__, RepositoryNotFoundError):
                    continue
                raise
            if not known.private:
                raise HubError(
                    f"{what}{repo_id} exists and is public; make it private on its page or "
                    "choose another id"
                )


def push(
    folder,
    repo_id,
    private=False,
    commit_message="Upload a model trained with ser_lib",
    space=False,
):
    """Upload a model folder to the Hub, where the repository is made if need be.

    All files go up in one commit, so that whoever pulls gets the old model or the new one whole,
    whenever the upload is cut off; the same call again does what is left. A repository that was
    made and got no commit is left there empty: it may have been somebody's before. The card goes
    up with the model's id in its examples. ONNX files go up where they were exported from this very
    model, and stay here otherwise; a line says which.

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
    space : bool
        Whether to make a Space of the same id as well, where the model is tried in a browser;
        see :func:`push_space`.

    Returns
    -------
    str
        Address of the model's repository.

    Raises
    ------
    HubError
        If the folder holds no model or the Hub refuses; the folder is untouched.
    """
    if not (Path(folder) / "config.json").is_file():
        raise HubError(f"{folder} holds no config.json; push the folder that training wrote")
    url = _publish(folder, repo_id, "model", private, commit_message)
    if space:
        try:
            page = push_space(url.repo_id, url.repo_id, private)
        except (HubError, RunError) as error:
            raise HubError(f"the model is at {url}, but not its Space: {error}") from error
        logger.info("to be tried at: %s", page)
    return str(url)


def push_space(repo_id, model_id, private=False):
    """Make or renew a Space, a page on the Hub where a published model is tried.

    Arguments
    ---------
    repo_id : str
        The Space, as for :func:`check_push`; models and Spaces may have the same names.
    model_id : str
        The model's id on the Hub.
    private : bool
        Whether a new Space is private. It can read a private model only with a token that may:
        set one as the secret ``HF_TOKEN`` in the Space's settings.

    Returns
    -------
    str
        Address of the Space.

    Raises
    ------
    HubError
        If the Hub refuses, or ser_lib was not installed here.
    RunError
        If there is no room for the files.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_space(folder, model_id)
        return str(_publish(folder, repo_id, "space", private, f"Page for {model_id}"))


def _publish(folder, repo_id, kind, private, commit_message):
    """Bring a folder's files to a repository in one commit; returns its RepoUrl."""
    folder, api = Path(folder), HfApi()
    # Before anything is made there.
    _check_card(folder / "README.md", repo_id, kind)
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part[0] == "." for part in path.relative_to(folder).parts)
    }
    for name in _foreign(folder, files):
        del files[name]
    made = {"private": private, "exist_ok": True}
    if kind == "space":
        made.update(repo_type="space", space_sdk="gradio")
    url = _ask(repo_id, lambda: api.create_repo(repo_id, **made))
    if "README.md" in files:
        card = files["README.md"].read_text(encoding="utf-8")
        files["README.md"] = card.replace(_NAMELESS, url.repo_id).encode()

    def upload():
        there = api.list_repo_files(url.repo_id, repo_type=kind)
        others = set(there) - set(files)
        stale = filter_repo_objects(others, allow_patterns=_REPLACED[kind])
        if kept := sorted(name for name in others if name.endswith(SUFFIX)):
            logger.warning(
                "ONNX that %s holds may be of other weights: %s", repo_id, ", ".join(kept)
            )
        # Not upload_folder, which may make several commits of one folder.
        api.create_commit(
            repo_id=url.repo_id,
            repo_type=kind,
            operations=[
                *[CommitOperationDelete(name, is_folder=False) for name in sorted(stale)],
                *[CommitOperationAdd(name, what) for name, what in files.items()],
            ],
            commit_message=commit_message,
        )

    try:
        _ask(repo_id, upload)
    except HubError as error:
        raise HubError(f"{error}; what went up is all of it or nothing: push again") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise HubError(
            f"{repo_id}: the upload broke off ({' '.join(str(error).split())[:200]}); what went "
            "up is all of it or nothing: push again"
        ) from error
    return url


def _foreign(folder, files):
    """Names (list) of the ONNX files that are not of the model in a folder; tells of all."""
    found = sorted(name for name in files if name.endswith(SUFFIX))
    wanted = model_sha256(folder) if found else None
    foreign = [name for name in found if not is_of(files[name], wanted)]
    if own := [name for name in found if name not in foreign]:
        logger.info("ONNX of this model goes up too: %s", ", ".join(own))
    if foreign:
        logger.warning(
            "ONNX that is not known to be of this model stays here: %s (`python -m ser_lib export "
            "%s` makes one that is)",
            ", ".join(foreign),
            folder,
        )
    return foreign


def _check_card(path, repo_id, kind):
    """Raise HubError if the Hub would refuse a README.md."""
    if not path.is_file():
        return
    try:
        card = RepoCard.load(path, ignore_metadata_errors=False)
        _ask(repo_id, lambda: card.validate(repo_type=kind))
    except (ValueError, TypeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HubError(
            f"{path}: the Hub does not take its first lines ({reason}); mend its YAML"
        ) from error


def _ask(repo_id, request):
    """What the Hub answers to ``request()``, with its errors as HubError."""
    try:
        return request()
    except Exception as error:
        # What fails in a thread that uploads comes inside another error.
        for inner in (error, error.__cause__):
            if getattr(getattr(inner, "response", None), "status_code", None) == 402:
                raise HubError(
                    f"the Hub asks for a paid plan to make {repo_id}; see huggingface.co/pricing"
                ) from inner
            trouble = inner and hub_trouble(inner, repo_id)
            if trouble:
                raise HubError(trouble) from inner
        raise

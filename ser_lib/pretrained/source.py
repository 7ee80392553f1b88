"""Where starting weights lie: a folder, or a snapshot of a repository of the Hub."""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import snapshot_download

from ser_lib.errors import HubError, ModelFolderError
from ser_lib.hub.trouble import hub_trouble
from ser_lib.pretrained.names import is_hub_id, snapshot_of

SAFE = ("*.safetensors", "*.safetensors.index.json")
PICKLED = ("*.bin", "*.bin.index.json", "*.ckpt")
_SAFE_DATA = ["*.json", SAFE[0]]


class Source(NamedTuple):
    """A folder with a configuration and weights.

    ``folder`` (Path); ``name`` (str), the Hub's id, or of a folder outside its cache the last part,
    because where it lies is this machine's business; ``version`` (str), the Hub's commit, all 40
    digits, or a hash of the weights; ``weights`` (tuple of Path), those that may be read.
    """

    folder: Path
    name: str
    version: str
    weights: tuple

    def __str__(self):
        return f"{self.name}@{self.version}"


def locate(source, revision=None, allow_pickle=False):
    """Folder of starting weights; what exists here is a folder, all else is asked of the Hub.

    Arguments
    ---------
    source : str or Path
        Folder, or Hub id such as ``facebook/hubert-base-ls960``.
    revision : str or None
        Branch, tag or commit on the Hub; None is the newest. A folder has none.
    allow_pickle : bool
        Whether pickled weights will do where there are no safetensors.

    Returns
    -------
    Source

    Raises
    ------
    ModelFolderError
        If none is named, there is no such folder, it holds no weights that may be read, or it is
        to have a revision.
    HubError
        If the repository cannot be fetched.
    """
    if not source:
        raise ModelFolderError(
            "no weights are named to start from; give a folder that save_pretrained made, or an id "
            "of the Hub such as microsoft/wavlm-base"
        )
    folder = Path(source).expanduser()
    here = folder.is_dir()
    if here and revision is not None:
        raise ModelFolderError(
            f"{source} is a folder here, which has no revisions; leave --revision {revision} out, "
            "or give an id of the Hub"
        )
    if not here:
        folder = _fetch(str(source), revision, allow_pickle)
    found = sorted(folder.glob(SAFE[0]))
    if not found and allow_pickle:
        found = sorted(path for pattern in PICKLED for path in folder.glob(pattern))
        found = [path for path in found if path.suffix != ".json"]
    if not found:
        raise ModelFolderError(_lacking(source, folder, here, allow_pickle))
    if not here:
        # The Hub's cache names a snapshot's folder by its commit.
        return Source(folder, str(source), folder.name, tuple(found))
    name, version = snapshot_of(folder) or (folder.resolve().name, f"sha256:{_hash(found)}")
    return Source(folder, name, version, tuple(found))


def _lacking(source, folder, here, allow_pickle):
    """The line for weights that are not there (str)."""
    other = "give a folder that save_pretrained made" if here else "choose another id"
    if allow_pickle:
        return f"{source} has no weights, neither safetensors nor pickled; {other}"
    if here and not any(path for pattern in PICKLED for path in folder.glob(pattern)):
        return f"{source} has no safetensors weights; {other}"
    return (
        f"{source} has no safetensors weights (pickled ones can run code: convert them, or say "
        "--allow_pickle true if you trust whoever made them)"
    )


def _fetch(source, revision, allow_pickle):
    """Snapshot of a repository in the Hub's cache: data only, never code."""
    if not is_hub_id(source):
        raise ModelFolderError(
            f"{source}: no such folder; give one, or an id of the Hub such as microsoft/wavlm-base"
        )
    revision = revision if revision is None else str(revision)
    try:
        folder = Path(snapshot_download(source, revision=revision, allow_patterns=_SAFE_DATA))
        if allow_pickle and not any(folder.glob(SAFE[0])):
            # The very commit that was looked at, whatever has been pushed since.
            commit = folder.name
            snapshot_download(source, revision=commit, allow_patterns=[*_SAFE_DATA, *PICKLED])
    except Exception as error:
        trouble = hub_trouble(error, source, revision)
        if trouble is None:
            raise
        raise HubError(f"no folder {source!r} here, and {trouble}") from error
    return folder


def _hash(paths):
    """First 12 digits of the SHA-256 of some files, which may have been read before."""
    facts = [(path, path.stat()) for path in paths]
    return _digest(tuple((path, of.st_ino, of.st_size, of.st_mtime_ns) for path, of in facts))


@functools.lru_cache(maxsize=8)
def _digest(files):
    """The hash of files, each told by its path first; one is read in pieces."""
    digest = hashlib.sha256()
    for path, *_ in files:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()[:12]

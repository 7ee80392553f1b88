"""Where starting weights lie: a folder, or a snapshot of a repository of the Hub."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import snapshot_download

from ser_lib.errors import HubError, ModelFolderError
from ser_lib.hub.trouble import hub_trouble
from ser_lib.pretrained.names import snapshot_of

SAFE = ("*.safetensors", "*.safetensors.index.json")
PICKLED = ("*.bin", "*.bin.index.json", "*.ckpt")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")


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
        Branch, tag or commit on the Hub; None is the newest.
    allow_pickle : bool
        Whether pickled weights will do where there are no safetensors.

    Returns
    -------
    Source

    Raises
    ------
    ModelFolderError
        If there is no such folder, or it holds no weights that may be read.
    HubError
        If the repository cannot be fetched.
    """
    folder = Path(source).expanduser()
    here = folder.is_dir()
    if not here:
        folder = _fetch(str(source), revision, allow_pickle)
    found = sorted(folder.glob(SAFE[0]))
    if not found and allow_pickle:
        found = sorted(path for pattern in PICKLED for path in folder.glob(pattern))
        found = [path for path in found if path.suffix != ".json"]
    if not found:
        pickled = any(path for pattern in PICKLED for path in folder.glob(pattern))
        hint = (
            "pickled ones can run code: convert them, or say --allow_pickle true if you trust "
            "whoever made them"
        )
        raise ModelFolderError(
            f"{source} has no safetensors weights"
            + (f" ({hint})" if pickled or not here else "; give a folder that save_pretrained made")
        )
    if not here:
        # The Hub's cache names a snapshot's folder by its commit.
        return Source(folder, str(source), folder.name, tuple(found))
    name, version = snapshot_of(folder) or (folder.resolve().name, f"sha256:{_hash(found)}")
    return Source(folder, name, version, tuple(found))


def _fetch(source, revision, allow_pickle):
    """Snapshot of a repository in the Hub's cache: data only, never code."""
    if not _HUB_ID.fullmatch(source):
        raise ModelFolderError(
            f"{source}: no such folder; give one, or an id of the Hub such as microsoft/wavlm-base"
        )
    wanted = ["*.json", "*.safetensors", *(PICKLED if allow_pickle else ())]
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=wanted))
    except Exception as error:
        trouble = hub_trouble(error, source)
        if trouble is None:
            raise
        raise HubError(f"no folder {source!r} here, and {trouble}") from error


def _hash(paths):
    """First 12 digits of the SHA-256 of some files, read piece by piece."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()[:12]

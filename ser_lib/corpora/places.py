"""Where corpora are looked for, and where this package keeps what it makes.

Two environment variables matter: ``SER_DATA``, a shelf with one folder a corpus, and
``SER_CACHE``, for downloads and manifests (default ``~/.cache/ser_lib``).
"""

import logging
import os
from pathlib import Path

from ser_lib.corpora.download import DownloadError
from ser_lib.errors import CorpusError

logger = logging.getLogger(__name__)


def cache_folder():
    """The folder for everything this package keeps between runs (Path, may not exist yet)."""
    return Path(os.environ.get("SER_CACHE") or "~/.cache/ser_lib").expanduser()


def default_of(corpus):
    """Where a corpus is looked for when nobody gives its folder, in words for a help (str).

    Arguments
    ---------
    corpus : module
        Of ``ser_lib.corpora``. One without ``download`` is given out on request; one that comes
        in yet another way says it in ``OTHERWISE``, and in ``SHELF`` where its folder is another.
    """
    shelf = getattr(corpus, "SHELF", f"$SER_DATA/{corpus.NAME}")
    known = "an earlier download, then its publisher's address"
    if otherwise := getattr(corpus, "OTHERWISE", known if hasattr(corpus, "download") else None):
        return f"{shelf}, then {otherwise}"
    return f"{shelf}; otherwise you must request it"


def find(name, data_folder, download, holds):
    """A corpus folder: the given one, one on this machine, or a fresh download.

    Arguments
    ---------
    name : str
        Corpus name, also its folder's name under ``$SER_DATA`` and ``$SER_CACHE/corpora``.
    data_folder : str, os.PathLike or None
        What the person gave; None to look around.
    download : callable
        ``download(folder) -> Path``; returns at once where an earlier download is finished.
    holds : str
        What the folder holds, for messages (``Actor_01 to Actor_24``).

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CorpusError
        If the given folder does not exist, or nothing is there and nothing can be downloaded.
    """
    if data_folder is not None:
        folder = Path(data_folder).expanduser()
        if not folder.is_dir():
            problem = "a file" if folder.exists() else "not there"
            raise CorpusError(f"{folder} is {problem}; give the folder that holds {holds}")
        return folder
    if shelf := os.environ.get("SER_DATA"):
        folder = Path(shelf).expanduser() / name
        if folder.is_dir():
            return folder
        logger.warning("SER_DATA is set, but %s is not there; looking elsewhere", folder)
    try:
        return download(cache_folder() / "corpora" / name)
    except DownloadError as error:
        raise CorpusError(
            f"{name} is not on this machine and cannot be downloaded: {error}. Give --data_folder "
            f"FOLDER (the one that holds {holds}); or set SER_DATA to the folder that holds "
            f"{name}/; or run again with a network, or download that address on another machine, "
            "unzip it and pass the folder as --data_folder. `--data_folder sample` tries "
            "everything on synthetic voices meanwhile"
        ) from error

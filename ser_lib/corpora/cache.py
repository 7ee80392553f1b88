"""Manifests that need not be made twice.

Decoding 1440 clips to check and hash them takes a few seconds, on a network drive a minute. A
manifest is therefore kept under ``$SER_CACHE/manifests`` and made anew as soon as any file of
the corpus was written or replaced.
"""

import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
from pathlib import Path

from ser_lib.corpora.manifest import features
from ser_lib.corpora.places import cache_folder

logger = logging.getLogger(__name__)

_CHECKSUMS = "checksums.json"
_warned = set()


def fingerprint(corpus, version, folder, files):
    """Hex key of a corpus folder's state.

    Arguments
    ---------
    corpus : str
        Corpus name.
    version : int
        Version of the reader; raise it when the reader makes other rows of the same files.
    folder : pathlib.Path
        Corpus folder; it counts, because manifests hold absolute paths.
    files : iterable of str or pathlib.Path
        The clips. Reading the bytes of a large corpus at every start would take minutes; path,
        size and the times that the file system keeps tell as surely whether they were changed.
    """
    import datasets

    state = {
        "corpus": corpus,
        "reader": version,
        "columns": str(features()),
        "datasets": datasets.__version__,
        "folder": str(folder.resolve()),
    }
    digest = hashlib.sha256(json.dumps(state).encode())
    for path in sorted(map(str, files)):
        digest.update(json.dumps([path, *_state_of(path)]).encode())
    return digest.hexdigest()


def _state_of(path):
    """Size (bytes) and times (ns) of a file's content and of its last change of any kind.

    The first time can be set back, the other cannot: new bytes of the same size are noticed.
    """
    try:
        stat = Path(path).stat()
    except OSError:
        # A link that leads nowhere has none; that it is broken is for the decoder to say.
        return ()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def cached(key, make):
    """The manifest kept under ``key`` (str), or what ``make()`` returns, which is then kept.

    A copy that is incomplete or whose bytes changed is made anew. A cache folder that cannot be
    written means that nothing is kept, with one warning.
    """
    folder = cache_folder() / "manifests" / key
    if _intact(folder):
        from datasets import load_from_disk

        return load_from_disk(str(folder), keep_in_memory=True)
    manifest = make()
    try:
        _keep(manifest, folder)
    except OSError as error:
        if str(folder.parent) not in _warned:
            _warned.add(str(folder.parent))
            logger.warning("%s: manifests are not cached (%s)", folder.parent, error)
    return manifest


def _keep(manifest, folder):
    """Save beside ``folder``, then rename, so that nobody ever sees half a manifest."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".half-") as half:
        whole = Path(half) / "manifest"
        with _no_progress_bars():
            manifest.save_to_disk(str(whole))
        sums = {path.name: _sha256(path) for path in whole.iterdir()}
        (whole / _CHECKSUMS).write_text(json.dumps(sums))
        if folder.exists() and not _intact(folder):
            shutil.rmtree(folder)
        try:
            whole.rename(folder)
        except OSError:
            # Another process may have been quicker; then its copy stays and ours goes.
            if not folder.exists():
                raise


def _intact(folder):
    """True where every file of a kept manifest is there with the bytes that were written."""
    try:
        sums = json.loads((folder / _CHECKSUMS).read_text())
        return bool(sums) and all(_sha256(folder / name) == sums[name] for name in sums)
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _sha256(path):
    """Hex SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _no_progress_bars():
    """Saving 1440 rows needs no bar; leave the person's own setting as it was."""
    import datasets

    were_off = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not were_off:
            datasets.enable_progress_bars()

"""Fetch an archive so that a broken line costs minutes, not trust, and unpack it safely.

A download goes to ``<name>.part``, is taken up where it broke off (HTTP Range), checked against
the published size and MD5, then renamed; :mod:`ser_lib.corpora.unpack` unpacks it. SpeechBrain's
downloader neither resumes nor checks.
"""

import hashlib
import http.client
import shutil
import ssl
import time
import urllib.error
import urllib.request

from filelock import FileLock
from tqdm import tqdm

from ser_lib.corpora.unpack import MARKER, extract_zip
from ser_lib.errors import CorpusError

_BLOCK = 1 << 20
_ATTEMPTS = 4
_TIMEOUT_S = 30
_PAUSE_S = 2.0


class DownloadError(CorpusError):
    """The network or the server did not deliver; what did arrive is kept for the next try."""


def fetch_and_extract(url, folder, size, md5, progress=True):
    """A zip archive's content in ``folder`` (Path), downloaded unless it is there already.

    Arguments are those of :func:`fetch`; the archive is deleted once it is unpacked.

    Raises
    ------
    CorpusError
        As :func:`fetch` and :func:`extract_zip`.
    """
    if (folder / MARKER).is_file():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Ranks of one job start together; one fetches, the others wait and find it done.
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not (folder / MARKER).is_file():
                archive = fetch(url, folder.parent / f"{folder.name}.zip", size, md5, progress)
                extract_zip(archive, folder)
                archive.unlink()
    except OSError as error:
        raise CorpusError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}; "
            "set SER_CACHE to a folder with room"
        ) from error
    return folder


def fetch(url, path, size, md5, progress=True):
    """Download a file, resuming where an earlier attempt stopped.

    Arguments
    ---------
    url : str
        http or https address.
    path : pathlib.Path
        Where the finished file goes; ``<path>.part`` beside it holds what has arrived so far.
    size : int
        Published size in bytes.
    md5 : str or None
        Published MD5 (hex); None where its publisher tells none.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    DownloadError
        If the server cannot be reached or stops delivering (the part is kept).
    CorpusError
        If the disk is too full, or size or checksum are wrong (the part is deleted).
    """
    if path.is_file() and path.stat().st_size == size and md5 in (None, _md5(path)):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    if part.is_file() and part.stat().st_size > size:
        part.unlink()
    have = part.stat().st_size if part.is_file() else 0
    free = shutil.disk_usage(path.parent).free
    if free < size - have:
        raise CorpusError(
            f"{path.parent} has {free / 1e6:.0f} MB free and the download needs "
            f"{(size - have) / 1e6:.0f} MB; make room or set SER_CACHE to another disk"
        )
    with tqdm(
        total=size,
        initial=have,
        unit="B",
        unit_scale=True,
        desc=path.name,
        disable=not progress,
        delay=0.5,
    ) as bar:
        problem = "the connection breaks off"
        for attempt in range(_ATTEMPTS):
            if have == size:
                break
            if attempt:
                time.sleep(_PAUSE_S * attempt)
            try:
                _receive(url, part, have, size, bar)
            except urllib.error.HTTPError as error:
                problem = f"the server answers {error.code} {error.reason}"
                if error.code == 416:
                    part.unlink(missing_ok=True)
                elif error.code < 500:
                    break
            except urllib.error.URLError as error:
                problem = f"no connection ({error.reason})"
                break
            except TimeoutError:
                problem = f"no answer within {_TIMEOUT_S} s"
            except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
                problem = f"the connection breaks off ({str(error) or type(error).__name__})"
            have = part.stat().st_size if part.is_file() else 0
    if have < size:
        kept = f"; {have / 1e6:.0f} MB are kept and the next run goes on from there" if have else ""
        raise DownloadError(f"{url}: {problem}{kept}")
    if have > size or md5 not in (None, found := _md5(part)):
        what = f"more than {size} bytes" if have > size else f"MD5 {found} instead of {md5}"
        part.unlink()
        raise CorpusError(
            f"{url} delivered {what}; the file was deleted. Run again, and if this repeats, "
            "download it by hand and compare the checksum"
        )
    part.replace(path)
    return path


def _receive(url, part, have, size, bar):
    """Append what the server sends to ``part``; begin anew where it ignores the Range."""
    request = urllib.request.Request(url, headers={"User-Agent": "ser_lib"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        resumed = response.status == 206 and (
            response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        )
        if not resumed:
            have = 0
            bar.reset(total=size)
        with part.open("ab" if resumed else "wb") as file:
            while have <= size and (block := response.read(_BLOCK)):
                file.write(block)
                have += len(block)
                bar.update(len(block))


def _md5(path):
    """Hex MD5 of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

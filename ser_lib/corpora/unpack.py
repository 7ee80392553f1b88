"""Unpack a zip archive so that nothing lands outside its folder and no disk fills up.

It is unpacked beside its place and renamed, so a folder is there whole or not at all.
"""

import errno
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from ser_lib.errors import CorpusError
from ser_lib.plain import plain

MARKER = ".completed"
# Corpora of sound shrink by a third or so, and hold up to 13 thousand files.
_MOST_ENTRIES, _RATIO, _SMALL = 200_000, 100, 10 << 20
_LONGEST_NAME = 1_000
# What Python's zip reader raises of bytes that are no zip archive.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError),
    *(RuntimeError, ValueError, LookupError, struct.error, OverflowError),
)


def extract_zip(archive, folder, largest=8 << 30):
    """Unpack a zip archive into a new folder, and nothing outside it.

    Arguments
    ---------
    archive : pathlib.Path
        The zip file.
    folder : pathlib.Path
        Appears when everything is unpacked, with a file ``.completed`` in it.
    largest : int
        Most bytes the unpacked files may have together.

    Raises
    ------
    CorpusError
        If the folder holds something already; the archive is damaged, unpacks to far more than
        itself or than there is room for, or has entries that are links or devices, point outside,
        have names that no corpus has, or are there twice; or the disk refuses.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CorpusError(
            f"{folder} holds files but no finished download; move it away, or give it with "
            "--data_folder if it is the corpus"
        )
    try:
        with zipfile.ZipFile(archive) as content:
            _check(archive, content.infolist(), min(largest, shutil.disk_usage(folder.parent).free))
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".half-") as half:
                whole = Path(half) / "whole"
                whole.mkdir()
                content.extractall(whole)
                (whole / MARKER).touch()
                if folder.exists():
                    folder.rmdir()
                whole.rename(folder)
    except _DAMAGE as error:
        raise _unsound(archive, error) from error
    except OSError as error:
        # A place before the file's beginning, which a damaged archive may name.
        if error.errno == errno.EINVAL and error.filename is None:
            raise _unsound(archive, error) from error
        raise CorpusError(
            f"{plain(error.filename or archive)} cannot be written or read: "
            f"{error.strerror or error}; check that the disk has room, or fetch the archive again"
        ) from error


def _unsound(archive, error):
    return CorpusError(
        f"{archive} is not a sound zip archive ({plain(error)}); delete it and download it again"
    )


def _check(archive, entries, most):
    """CorpusError unless the entries are those of a corpus; ``most`` is in bytes."""
    if len(entries) > _MOST_ENTRIES:
        raise CorpusError(
            f"{archive} has {len(entries)} entries, more than any corpus; check where it comes from"
        )
    for entry in entries:
        _check_entry(archive, entry)
    _refuse_twice(archive, entries)
    total = sum(entry.file_size for entry in entries)
    most = min(most, max(_SMALL, _RATIO * archive.stat().st_size))
    if total > most:
        raise CorpusError(
            f"{archive} unpacks to {total / 1e6:.0f} MB; {most / 1e6:.0f} MB are allowed and free. "
            "Make room, or check where the archive comes from"
        )


def _check_entry(archive, entry):
    """CorpusError for an entry that is a link, encrypted, or would land outside the folder."""
    # What the archive says: Python cuts a name off at a NUL.
    told = entry.orig_filename
    parts, kind = PureWindowsPath(told).parts, stat.S_IFMT(entry.external_attr >> 16)
    outside = PureWindowsPath(told).anchor or PurePosixPath(told).is_absolute() or ".." in parts
    if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise CorpusError(
            f"{archive}: entry {ascii(told)[:200]} would be written outside the folder; "
            "do not use this archive, fetch the publisher's"
        )
    if not parts or len(told) > _LONGEST_NAME or plain(told) != told:
        raise CorpusError(
            f"{archive}: entry {ascii(told)[:200]} has a name that no corpus has; fetch the "
            "publisher's archive"
        )
    # Others may ask for gigabytes to unpack a byte, and no corpus uses them.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CorpusError(
            f"{archive}: entry {ascii(told)} is neither stored nor deflated; fetch the publisher's "
            "archive"
        )
    if entry.flag_bits & 1:
        raise CorpusError(f"{archive}: entry {ascii(told)} is encrypted; fetch another copy")


def _refuse_twice(archive, entries):
    """CorpusError where two entries have one name, or a file is a folder to another entry."""
    files, folders = [], set()
    for entry in entries:
        # As file systems that do not tell capitals apart see it.
        name = tuple(part.casefold() for part in PureWindowsPath(entry.filename).parts)
        folders.update(name[:end] for end in range(1, len(name)))
        if entry.is_dir():
            folders.add(name)
        else:
            files.append(name)
    if len(set(files)) < len(files) or folders.intersection(files):
        raise CorpusError(
            f"{archive} holds one name twice; do not use this archive, fetch the publisher's"
        )

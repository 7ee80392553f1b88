"""Which sounds a command line names: files, folders with all that is in them, standard input.

And where its answers go, which must be none of them.
"""

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from ser_lib.errors import AudioError, RunError
from ser_lib.plain import plain

SUFFIXES = (
    *(".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc", ".w64"),
    *(".rf64", ".au", ".snd", ".caf"),
)
# Sound that nothing here can decode, which is said of each file rather than passing over it.
_UNREAD = (".m4a", ".mp4", ".aac", ".webm", ".wma", ".amr", ".3gp", ".mka")
STANDARD_INPUT = "-"


def find_sounds(sources):
    """Sounds of a command line, in its order.

    Arguments
    ---------
    sources : sequence of str
        Files, which are taken whatever they are called and whether or not they are there; folders,
        which are searched to the bottom for names with a sound's suffix; ``-``.

    Returns
    -------
    list of str
        Paths as the person would write them, each folder's sorted; ``-`` for standard input. What
        is hidden (``.name``, ``._name.wav``) is left out, and so are links to folders.

    Raises
    ------
    AudioError
        If a folder holds no sound or cannot be read, or a name is empty.
    """
    found = []
    for source in sources:
        if not source:
            # Often a variable of the shell that is not set; a Path would take it for this folder.
            raise AudioError(
                "a name among the sounds is empty (''); give a file, a folder or - for standard "
                "input"
            )
        if source != STANDARD_INPUT and _is_folder(source):
            inside = _inside(source)
            if not inside:
                raise AudioError(
                    f"{source} holds no sound ({', '.join(SUFFIXES)}); give another folder, or a "
                    "file by its name"
                )
            found += inside
        else:
            found.append(source)
    # One file named twice, as `a.wav .` does, is one row.
    return list(dict.fromkeys(found))


def _is_folder(source):
    try:
        return Path(source).is_dir()
    except OSError:
        # Why it cannot be looked at is told in its turn, beside the answers of the others.
        return False


def _inside(folder):
    def refuse(error):
        raise AudioError(f"{error.filename} cannot be read: {error.strerror}") from error

    found = []
    for place, below, names in os.walk(folder, onerror=refuse):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [
            str(Path(place, name))
            for name in names
            if Path(name).suffix.lower() in (*SUFFIXES, *_UNREAD) and not name.startswith(".")
        ]
    return sorted(found, key=lambda path: Path(path).parts)


def check_output(output, files):
    """See that no sound is lost by writing rows.

    Arguments
    ---------
    output : Path or None
        File that is about to be opened, and so emptied.
    files : iterable of str
        As :func:`find_sounds` returns them.

    Raises
    ------
    RunError
        If it is one of them, also by another name, through a link or as standard input.
    """
    target = _identity(output) if output else None
    if target is None:
        return
    for file in files:
        try:
            source = sys.stdin.fileno() if file == STANDARD_INPUT else file
        except (AttributeError, OSError, ValueError):  # no standard input, or none of the system's
            continue
        if _identity(source) == target:
            named = "standard input" if file == STANDARD_INPUT else file
            raise RunError(plain(f"--output {output} is a sound to read ({named}); give another"))


def _identity(file):
    """Device and number of an ordinary file (path or descriptor), through links, else None."""
    try:
        found = os.fstat(file) if isinstance(file, int) else Path(file).stat()
    except (OSError, ValueError):
        return None
    # A terminal or /dev/null is not emptied by being opened.
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def check_figure_folder(folder):
    """See that pictures can be written to a folder (Path or None), and leave no trace.

    Raises
    ------
    RunError
        If they cannot, which would otherwise be found after the first answer.
    """
    if folder is None:
        return
    # What is made to try is taken away again: there may be no picture to come.
    new = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RunError(
            plain(f"{folder}: cannot be written ({error.strerror}); give another --figure_folder")
        ) from error
    finally:
        for one in new:
            with contextlib.suppress(OSError):
                one.rmdir()

"""Which sounds a command line names: files, folders with all that is in them, standard input."""

import os
from pathlib import Path

from ser_lib.errors import AudioError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc", ".w64")
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
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    return sorted(found, key=lambda path: Path(path).parts)

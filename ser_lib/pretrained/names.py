"""What starting weights are called: an id of the Hub with the commit, or a folder's own name."""

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_LONG = re.compile(r"(?<=@)([0-9a-f]{12})[0-9a-f]{28}\b")


def snapshot_of(folder):
    """Hub id and commit (str, str) of a folder in a cache of the Hub; None of any other.

    Arguments
    ---------
    folder : str or Path
        ``.../models--OWNER--NAME/snapshots/COMMIT``; it need not be there.
    """
    *_, repository, kind, commit = ("", "", "", *Path(folder).expanduser().resolve().parts)
    what, *name = repository.split("--")
    there = what == "models" and len(name) == 2 and kind == "snapshots"
    return ("/".join(name), commit) if there and _COMMIT.fullmatch(commit) else None


def pinned(name):
    """Hub id and commit (str, str) of ``OWNER/NAME@COMMIT``; None of a name that tells neither."""
    name, _, version = str(name).partition("@")
    return (name, version) if _COMMIT.fullmatch(version) else None


def short(name):
    """A name for people (str): of a commit, its first 12 digits."""
    return _LONG.sub(r"\1", str(name))


def is_hub_id(name):
    """Whether a name may be that of a repository on the Hub, ``OWNER/NAME`` (bool)."""
    return bool(_HUB_ID.fullmatch(str(name)))

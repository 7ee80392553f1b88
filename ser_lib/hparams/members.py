"""Which systems an ensemble's YAML names, read without building any of them."""

import json
from collections import Counter

from ser_lib.errors import HparamsError
from ser_lib.hparams.keys import FOLDERS, ROOT, SETTINGS, WEIGHTS
from ser_lib.hparams.system import Hparams

_DEEPEST = 3


def members_of(hparams, depth=1):
    """Members of an ensemble, with what they take over from its YAML and command line.

    The second, third ... time that a YAML is named, its seed is 1, 2 ... more.

    Arguments
    ---------
    hparams : Hparams
        Of an ensemble.
    depth : int
        1, and one more for each ensemble that this one is a member of.

    Returns
    -------
    list of Hparams

    Raises
    ------
    HparamsError
        If a member is no system, or ensembles are nested too deep.
    """
    yaml, names = hparams.path, hparams.value("members")
    if not names or not all(isinstance(name, str) for name in names):
        raise HparamsError(f"{yaml}: members is {names!r}; list YAMLs, one or more")
    if depth > _DEEPEST:
        raise HparamsError(f"{yaml}: ensembles of ensembles go {_DEEPEST} deep at most")
    seen, members = Counter(), []
    for name in names:
        path = _path(hparams, name)
        members.append(Hparams(path, _overrides(hparams, path, seen[name])))
        seen[name] += 1
    return members


def systems_of(hparams, depth=1):
    """A system and all that it is made of, members of members too (list of Hparams).

    Arguments and errors as :func:`members_of` has them; a system that is no ensemble is alone.
    """
    if hparams.kind != "ensemble":
        return [hparams]
    members = members_of(hparams, depth)
    return [hparams, *(inner for member in members for inner in systems_of(member, depth + 1))]


def _path(hparams, name):
    """A member's YAML: beside the ensemble's, or the repository's where that was left by a run."""
    beside = hparams.path.parent / name
    return beside if beside.is_file() else ROOT / "hparams" / name


def _overrides(hparams, path, repeat):
    """What one member takes over, as typed on a command line (dict)."""
    # A setting can be given to every system, weights to those alone that start from some.
    known = Hparams(path).keys()
    handed = (*SETTINGS, *(key for key in WEIGHTS if key in known))
    own = {key: hparams.value(key) for key in handed}
    own["seed"] = hparams.settings.seed + repeat
    # A stack's own: its members keep their class weights.
    stack = hparams.value("meta") is not None
    kept = ("inner_folds", "class_weights") if stack else ("inner_folds",)
    return {
        key: value if key == "revision" else json.dumps(value)
        for key, value in own.items()
        if value is not None and key not in (*FOLDERS, *kept)
    }

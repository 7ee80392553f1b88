"""Find and parse a YAML, and the values typed on a command line; errors are one line."""

import difflib
import math
import re
from pathlib import Path

import ruamel.yaml

from ser_lib.errors import HparamsError
from ser_lib.hparams.keys import ROOT, TOO_DEEP

_MOST_SHOWN = 80  # characters of a value in a complaint


def find_yaml(path):
    """Path of a YAML given from here or from the repository's root; raises HparamsError."""
    for folder in (Path(), ROOT):
        if (folder / path).is_file():
            return (folder / path).resolve()
    there = sorted(str(p.relative_to(ROOT / "hparams")) for p in (ROOT / "hparams").rglob("*.yaml"))
    raise HparamsError(
        f"{path}: no such YAML here or in {ROOT}; it comes first, options after it"
        + (f"; hparams/ has {', '.join(there)}" if there else "")
    )


def from_text(key, text):
    """Value of an option as typed, read as YAML; raises HparamsError."""
    try:
        # The parser in C ends the whole process where lists are nested without an end.
        return ruamel.yaml.YAML(typ="safe", pure=True).load(text)
    except (ruamel.yaml.YAMLError, RecursionError) as error:
        shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
        raise HparamsError(
            f"--{key} {shown}: not a value YAML can read; write a number, a word, true, false, "
            "null or a list such as [1, 2]"
        ) from error


def finite(key, value):
    """``value``; raises HparamsError where it is, or in Python's spelling would be, nan or inf."""
    try:
        fits = math.isfinite(float(value))
    except OverflowError:
        fits = False
    except (TypeError, ValueError):
        # Another kind of value, which the check of the type refuses.
        fits = True
    if not fits:
        shown = str(value)[:_MOST_SHOWN]
        raise HparamsError(f"{key} is {shown}; it must be a finite number such as 0.001")
    return value


def references(tree):
    """Top-level keys that the !ref and !copy of a YAML's tree name (list of str)."""
    names, waiting, seen = [], [tree], set()
    while waiting:
        node = waiting.pop()
        # An anchor may stand inside itself.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
        elif str(getattr(getattr(node, "tag", None), "value", None)) in ("!ref", "!copy"):
            names += re.findall(r"<\s*(\w+)", str(node.value))
    return names


def parse(path, text):
    """Tree of a YAML's text (dict), with its tags; ``path`` names it in an HparamsError."""
    try:
        tree = ruamel.yaml.YAML(typ="rt").load(text)
    except ruamel.yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise HparamsError(f"{path}{place}: {problem}") from error
    except RecursionError as error:
        raise HparamsError(f"{path}: {TOO_DEEP}") from error
    if not isinstance(tree, dict):
        raise HparamsError(f"{path} holds no keys; it must be a mapping such as 'seed: 1'")
    return tree


def is_built(value):
    """Whether a YAML value is made by a tag such as !new: and so cannot be typed in."""
    tag = getattr(value, "tag", None)
    name = str(tag.value) if tag is not None and tag.value else ""
    return name.startswith("!") and not name.startswith("!ref")


def plain_type(value):
    """Python's own type of a value that remembers how it was written in its YAML."""
    known = (bool, int, float, str, list, dict)
    return next((wanted for wanted in known if isinstance(value, wanted)), type(value))


def section(text, key):
    """Lines of one top-level key."""
    match = re.search(rf"^{re.escape(key)}:.*(?:\n[ \t]+.*)*", text, re.MULTILINE)
    return match.group() if match else ""


def first_line(error):
    """What an exception says, in one line (str)."""
    return str(error).strip().splitlines()[0] if str(error).strip() else repr(error)


def hint(key, known):
    """The end of a complaint about a key (str): the name that is near, or all there are."""
    near = difflib.get_close_matches(key, sorted(known), n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; it has {', '.join(sorted(known))}"

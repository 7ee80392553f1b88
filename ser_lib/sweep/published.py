"""Published numbers of the systems, from ``results/published.yaml``, which explains its keys."""

from dataclasses import dataclass
from pathlib import Path

import ruamel.yaml

from ser_lib.errors import HparamsError, ProtocolError
from ser_lib.hparams import TOO_DEEP
from ser_lib.protocols import lookup

NAMES = {"ua": "UA", "wa": "WA"}


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a source says of a system on a corpus.

    Arguments
    ---------
    system, yaml : str
        Name of its runs, and the YAML below ``hparams/``.
    parameters : int or None
        Of our network for the corpus's classes.
    corpus : str or None
        Recipe.
    value : float or None
        Percent.
    metric : str or None
        ``ua`` or ``wa``.
    rule, differs : str or None
        The published split, and what sets ours apart from it.
    clips : int or None
        Test clips.
    ours : str or None
        Protocol under which to compare.
    source : str
        Address.
    reason : str
        Why there is no value.
    found : str
        Why ours stays below it under its own protocol, as far as that was found out.
    stand_in : str
        What of ours stands for what of theirs, where ours is another system.
    note : str
        What else a reader of our row must know.
    """

    system: str
    yaml: str
    parameters: int | None
    corpus: str | None
    value: float | None
    metric: str | None
    rule: str | None
    clips: int | None
    ours: str | None
    differs: str | None
    source: str
    reason: str = ""
    found: str = ""
    stand_in: str = ""
    note: str = ""


_KINDS = {
    "system": str,
    "yaml": str,
    "parameters": (int, type(None)),
    "corpus": (str, type(None)),
    "value": (int, float, type(None)),
    "metric": (str, type(None)),
    "rule": (str, type(None)),
    "clips": (int, type(None)),
    "ours": (str, type(None)),
    "differs": (str, type(None)),
    "source": str,
    "reason": str,
    "found": str,
    "stand_in": str,
    "note": str,
}
_OPTIONAL = ("reason", "found", "stand_in", "note")


def read_published(path: str | Path) -> list[Published]:
    """The entries of a file of published numbers, in its order.

    Raises
    ------
    HparamsError
        The file cannot be read, or an entry lacks a key, has a strange one or contradicts itself;
        one line that names it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        entries = ruamel.yaml.YAML(typ="safe", pure=True).load(text)
    except OSError as error:
        raise HparamsError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, ruamel.yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise HparamsError(f"{path}: is no YAML ({told})") from error
    except RecursionError as error:
        raise HparamsError(f"{path}: {TOO_DEEP}") from error
    if not isinstance(entries, list):
        raise HparamsError(f"{path}: is no list of entries")
    found = []
    for number, entry in enumerate(entries, start=1):
        found.append(_entry(entry, f"{path}, entry {number}"))
        places = {(one.system, one.corpus) for one in found}
        if len(places) < len(found):
            raise HparamsError(f"{path}: {found[-1].system} on {found[-1].corpus} is there twice")
    return found


def _entry(entry, where):
    if not isinstance(entry, dict):
        raise HparamsError(f"{where}: {entry!r} is no block of KEY: VALUE lines")
    where += f" ({entry.get('system')})"
    strange = [key for key in entry if key not in _KINDS]
    missing = [key for key in _KINDS if key not in entry and key not in _OPTIONAL]
    if strange or missing:
        told = f"unknown key {strange[0]!r}" if strange else f"no key {missing[0]!r}"
        raise HparamsError(f"{where}: {told}; the file's head explains the keys")
    for key, kinds in _KINDS.items():
        if key in entry and (not isinstance(entry[key], kinds) or isinstance(entry[key], bool)):
            raise HparamsError(f"{where}: {key} is {entry[key]!r}")
    value = entry["value"]
    if value is None and not entry.get("reason"):
        raise HparamsError(f"{where}: a value of null needs a reason")
    if value is not None and (not 0 <= value <= 100 or entry["metric"] not in NAMES):
        raise HparamsError(f"{where}: give percent from 0 to 100, and the metric ua or wa")
    if entry["ours"] is not None:
        try:
            corpus = lookup(entry["ours"]).corpus
        except ProtocolError as error:
            raise HparamsError(f"{where}: {error}") from error
        if corpus != entry["corpus"]:
            raise HparamsError(f"{where}: {entry['ours']} is made for {corpus}")
    return Published(**entry)

"""What the YAML of a run asks for by itself, whatever the command line made of it."""

import functools
import itertools
import shlex
from collections.abc import Mapping
from pathlib import Path

from ser_lib.errors import HparamsError
from ser_lib.hparams import ROOT, Hparams


def yaml_epochs(run: Mapping) -> int | None:
    """Epochs that the YAML of a report's ``run`` says; of an ensemble's members the most.

    None where the YAML has none, or lies outside the checkout, or is gone.
    """
    commands = run["command"] if isinstance(run["command"], list) else [run["command"]]
    words = shlex.split(commands[0])
    if len(words) < 3 or not words[2].endswith(".yaml") or Path(words[2]).is_absolute():
        return None
    return _epochs(str(ROOT / words[2]))


def cut_members(run: Mapping) -> int | None:
    """Epochs that an ensemble's command gave its members, where a YAML of them says more.

    None where it gave none, or no fewer.
    """
    commands = run["command"] if isinstance(run["command"], list) else [run["command"]]
    words = shlex.split(commands[0].replace("--number_of_epochs=", "--number_of_epochs "))
    given = dict(itertools.pairwise(words)).get("--number_of_epochs", "")
    full = yaml_epochs(run)
    cut = given.isdecimal() and full is not None and int(given) < full
    return int(given) if cut else None


@functools.lru_cache(maxsize=256)
def _epochs(yaml):
    try:
        hparams = Hparams(yaml)
    except HparamsError:
        return None
    if hparams.kind != "ensemble" or hparams.value("number_of_epochs"):
        return hparams.value("number_of_epochs")
    known = [_epochs(str(hparams.path.parent / name)) for name in hparams.value("members")]
    return max((epochs for epochs in known if epochs), default=None)

"""How long a run was trained, and what its YAML asks for by itself."""

import functools
import itertools
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ser_lib.errors import HparamsError
from ser_lib.hparams import ROOT, Hparams


def commands_of(run: Mapping) -> list[str]:
    """Commands that give a report's ``run`` again: of all folds one a fold, else one."""
    return run["command"] if isinstance(run["command"], list) else [run["command"]]


def yaml_epochs(run: Mapping) -> int | None:
    """Epochs that the YAML of a report's ``run`` says; of an ensemble's members the most.

    None where the YAML has none, or lies outside the checkout, or is gone.
    """
    words = shlex.split(commands_of(run)[0])
    if len(words) < 3 or not words[2].endswith(".yaml") or Path(words[2]).is_absolute():
        return None
    return _epochs(str(ROOT / words[2]))


def cut_members(run: Mapping) -> int | None:
    """Epochs that an ensemble's command gave its members, where a YAML of them says more.

    None where it gave none, or no fewer.
    """
    words = shlex.split(commands_of(run)[0].replace("--number_of_epochs=", "--number_of_epochs "))
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


class Epochs(NamedTuple):
    """Epochs of a run's folds.

    The ``least`` and the ``most`` that one had, those ``asked`` for (the YAML's where they were cut
    below it), how many ``folds`` there were and ``stopped`` early, and whether any was ``cut``
    short otherwise.
    """

    least: int
    most: int
    asked: int
    folds: int
    stopped: int
    cut: bool

    @property
    def span(self) -> str:
        """``60``, or ``42–100`` where folds differ."""
        return f"{self.least}" if self.least == self.most else f"{self.least}–{self.most}"

    @property
    def early(self) -> str:
        """``stopped early``, with the folds where not all did; empty where none did."""
        if not self.stopped:
            return ""
        some = f" in {self.stopped} of {self.folds} folds" if self.stopped < self.folds else ""
        return f"stopped early{some}"


def epochs_of(run: Mapping) -> Epochs | None:
    """Epochs of a report's ``run``, of one fold or several; None of a system that has none."""
    asked, done, early = run["epochs_asked"], run["epochs_run"], run["stopped_early"]
    folds = max(len(value) if isinstance(value, list) else 1 for value in (done, early))
    done, early = (v if isinstance(v, list) else [v] * folds for v in (done, early))
    if asked is None or None in done:
        return None
    # Whoever stopped early would have had no use for more.
    if not all(early):
        asked = max(asked, yaml_epochs(run) or 0)
    cut = any(n < asked and not stopped for n, stopped in zip(done, early, strict=True))
    return Epochs(min(done), max(done), asked, folds, sum(map(bool, early)), cut)

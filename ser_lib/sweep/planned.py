"""One run of a grid: its command, its place among the results, and whether a result is of it."""

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import ruamel.yaml

from ser_lib.evaluation.asked import commands_of
from ser_lib.hparams import ROOT

# What says where sound lies or files go, not what is trained.
_FOLDERS = ("data_folder", "output_folder")
_SAMPLE = "sample"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run to make.

    Arguments
    ---------
    recipe : str
        Folder below ``recipes/``.
    yaml : Path
        The system's YAML.
    system : str
        What the run will call the system.
    protocol : str
        Its split.
    fold : int or str
        A fold, or ``"all"``.
    n_folds : int
        How many the protocol has.
    seed : int or None
        None for the YAML's ``own_seed`` (int).
    overrides, options : tuple of (str, str)
        Keys of the YAML, and options of the recipe, as typed.
    variant : str
        What sets it apart from other settings; empty for none.
    allow_partial, drop_conflicts : bool
        As on the recipe's command line.
    """

    recipe: str
    yaml: Path
    system: str
    protocol: str
    fold: int | str
    n_folds: int
    seed: int | None
    own_seed: int
    overrides: tuple
    options: tuple
    variant: str
    allow_partial: bool
    drop_conflicts: bool

    @property
    def units(self):
        """Folds that it trains (int)."""
        return self.n_folds if self.fold == "all" else 1

    @property
    def sample(self):
        """Whether it runs on the synthetic voices (bool)."""
        return dict(self.overrides).get("data_folder") == _SAMPLE

    @cached_property
    def place(self):
        """Its folder below the results (str, with slashes)."""
        corpus = self.recipe + ("-synthetic" if self.sample else "")
        fold = "all" if self.fold == "all" else f"fold-{self.fold}"
        parts = [corpus, self.protocol, self.system, fold]
        parts += [self.variant] if self.variant else []
        parts += [] if self.seed in (None, self.own_seed) else [f"seed-{self.seed}"]
        return str(PurePosixPath(*parts))

    @cached_property
    def key(self):
        """``place`` and a few digits that change with every setting (str): a run's own folder."""
        digits = hashlib.sha256(repr(self.identity).encode()).hexdigest()[:8]
        return f"{self.place}/{digits}"

    @cached_property
    def words(self):
        """The command without the interpreter (list of str)."""
        inside = self.yaml.is_relative_to(ROOT)
        yaml = self.yaml.relative_to(ROOT).as_posix() if inside else str(self.yaml)
        words = [f"recipes/{self.recipe}/train.py", yaml]
        for key, value in self.options:
            words += [f"--{key}", value]
        words += ["--protocol", self.protocol, "--fold", str(self.fold)]
        for key, value in self.overrides:
            words += [f"--{key}", value]
        words += [] if self.seed is None else ["--seed", str(self.seed)]
        words += ["--drop_conflicts"] * self.drop_conflicts
        return words + ["--allow_partial"] * self.allow_partial

    @property
    def command(self):
        """The command as a person types it (str)."""
        return shlex.join(["python", *self.words])

    @cached_property
    def identity(self):
        """What two runs of the same thing have in common (tuple, comparable)."""
        seed = self.own_seed if self.seed is None else self.seed
        return identity(self.command, self.fold, seed)


def identity(command: str, fold: int | str, seed: int) -> tuple:
    """What a recipe's command stands for, whatever the order of its options.

    The folder of the corpus does not count, but for the synthetic one.

    Arguments
    ---------
    command : str
        As a report's ``command``, or of one fold of several.
    fold : int or str
        The fold, or ``"all"``.
    seed : int
        The seed of the run, said in the command or not.

    Returns
    -------
    tuple
    """
    words = shlex.split(command)[1:]
    script, yaml, rest = words[0], words[1], words[2:]
    pairs, flags = {}, set()
    while rest:
        word = rest.pop(0)
        if rest and not rest[0].startswith("--"):
            pairs[word[2:]] = rest.pop(0)
        else:
            flags.add(word[2:])
    sample = pairs.get("data_folder") == _SAMPLE
    system = yaml if not Path(yaml).is_absolute() else Path(yaml).name
    settings = {
        key: repr(ruamel.yaml.YAML(typ="safe", pure=True).load(value))
        for key, value in pairs.items()
        if key not in (*_FOLDERS, "seed", "fold")
    }
    recipe = PurePosixPath(script).parent.name
    settings = tuple(sorted(settings.items()))
    return (recipe, system, settings, tuple(sorted(flags)), sample, str(fold), int(seed))


def identity_of(run: Mapping) -> tuple:
    """The same of a report's ``run``; of a mixture of commands or seeds, one that nothing equals.

    Raises KeyError, IndexError or ValueError where it is not a recipe's.
    """
    found = {identity(command, run["fold"], run["seed"]) for command in commands_of(run)}
    return found.pop() if len(found) == 1 else ("mixed",)

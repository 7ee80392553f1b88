"""Grids: plain YAML files that say which runs to make.

A grid is a list of blocks. Each block is the product of its lists::

    - recipe: RAVDESS                # or recipes: [RAVDESS, EMO-DB]
      systems: [hparams/mfcc_cnn.yaml]
      protocols: [ravdess-si6]
      folds: all                     # one run of all folds; or [1, 2], a run each (default [1])
      seeds: [1, 2]                  # default: the YAML's own seed
      overrides: {number_of_epochs: 30}
      allow_partial: true            # and drop_conflicts, as on the recipe's command line
      options: {classes: merged4}    # options of one recipe alone
      variant: short                 # a word of your own, where a block differs from another

Every run is the recipe's own command, so whoever reads a result can repeat it without a grid. For
the same reason weights from elsewhere are those of a commit: ``overrides: {encoder: OWNER/NAME,
revision: COMMIT}``.
"""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import ruamel.yaml

from ser_lib.errors import HparamsError, ProtocolError
from ser_lib.hparams import ROOT, TOO_DEEP, Hparams, systems_of
from ser_lib.pretrained.names import is_hub_id, pinned
from ser_lib.protocols import lookup
from ser_lib.sweep.planned import Planned

_LISTS = {"recipes": "recipe", "systems": "system", "protocols": "protocol", "seeds": "seed"}
_FLAGS = ("allow_partial", "drop_conflicts")
_KEYS = {*_LISTS, *_LISTS.values(), *_FLAGS, "folds", "overrides", "options", "variant"}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read_grids(paths: Sequence[str | Path], root: Path = ROOT) -> list[Planned]:
    """The runs of some grids, in their order.

    Arguments
    ---------
    paths : sequence of str or Path
        Grids. A run that several of them name is there once.
    root : Path
        Checkout that holds ``recipes/``.

    Returns
    -------
    list of Planned

    Raises
    ------
    HparamsError
        A grid is absent or is no list of blocks, or a block names what there is not; one line
        with the file and the block. Also where two different runs would have one place.
    """
    places = {}
    for path in map(Path, paths):
        for number, block in enumerate(_blocks(path), start=1):
            where = f"{path}, block {number}"
            for planned in _runs(block, where, root):
                other = places.setdefault(planned.place, planned)
                if other.identity != planned.identity:
                    raise HparamsError(
                        f"{where}: {planned.place} is there twice with other settings "
                        f"({other.command} and {planned.command}); give one block a variant"
                    )
    return list(places.values())


def _blocks(path):
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise HparamsError(f"{path}: cannot be read ({reason}); give a grid") from error
    try:
        blocks = ruamel.yaml.YAML(typ="safe", pure=True).load(text)
    except ruamel.yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        told = " ".join(str(getattr(error, "problem", None) or error).split())
        raise HparamsError(f"{path}{place}: {told}; a grid is plain YAML") from error
    except RecursionError as error:
        raise HparamsError(f"{path}: {TOO_DEEP}") from error
    if not isinstance(blocks, list) or not blocks:
        raise HparamsError(f"{path}: is no list of blocks; begin each with '- recipe: NAME'")
    for number, block in enumerate(blocks, start=1):
        if not isinstance(block, Mapping):
            raise HparamsError(f"{path}, block {number}: {block!r} is no block of KEY: VALUE lines")
    return blocks


def _runs(block, where, root):
    unknown = [key for key in block if key not in _KEYS]
    if unknown:
        raise HparamsError(
            f"{where}: unknown key {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}"
        )
    recipes, systems, protocols = (_listed(block, key, where) for key in list(_LISTS)[:3])
    seeds = _listed(block, "seeds", where, default=[None])
    for seed in seeds:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise HparamsError(f"{where}: seed {seed!r} is not a whole number of 0 or more")
    for recipe in recipes:
        if not (root / "recipes" / str(recipe) / "train.py").is_file():
            there = sorted(path.parent.name for path in (root / "recipes").glob("*/train.py"))
            raise HparamsError(
                f"{where}: there is no recipes/{recipe}/train.py; recipes are {', '.join(there)}"
            )
    flags = {key: block.get(key, False) for key in _FLAGS}
    for key, value in flags.items():
        if not isinstance(value, bool):
            raise HparamsError(f"{where}: {key} is {value!r}; write true or false")
    variant = block.get("variant", "")
    if variant and not (isinstance(variant, str) and _WORD.fullmatch(variant)):
        raise HparamsError(f"{where}: variant {variant!r} is no plain word")
    overrides, options = (_texts(block, key, where) for key in ("overrides", "options"))
    for key in ("seed", "output_folder"):
        if key in overrides:
            raise HparamsError(f"{where}: {key} is no override here; use seeds, or --runs")
    for recipe, system, protocol in itertools.product(recipes, systems, protocols):
        folds = _folds(block, protocol, where)
        yaml, name, own_seed = _system(system, overrides, where)
        for fold, seed in itertools.product(folds, seeds):
            yield Planned(
                recipe=recipe,
                yaml=yaml,
                system=name,
                protocol=protocol,
                fold=fold,
                n_folds=lookup(protocol).folds,
                seed=seed,
                own_seed=own_seed,
                overrides=tuple(overrides.items()),
                options=tuple(options.items()),
                variant=variant,
                **flags,
            )


def _system(system, overrides, where):
    """A system's YAML, its name under the overrides, and the YAML's own seed."""
    try:
        hparams = Hparams(str(system), overrides)
        systems = systems_of(hparams)
    except HparamsError as error:
        raise HparamsError(f"{where}: {error}") from error
    for start, revision in ((one.start, one.value("revision")) for one in systems if one.start):
        # What a run reports names the commit, and is kept only as the very command of the grid.
        told = is_hub_id(start) and pinned(f"{start}@{revision}")
        if not told or Path(start).is_dir():
            raise HparamsError(
                f"{where}: {start} is not the same weights for everybody; give an id of the Hub, "
                "and in the overrides its commit as revision, all 40 digits"
            )
    return hparams.path, hparams.system, hparams.settings.seed


def _folds(block, protocol, where):
    try:
        n = lookup(protocol).folds
    except ProtocolError as error:
        raise HparamsError(f"{where}: {error}") from error
    folds = block.get("folds", [1])
    if folds == "all":
        # One fold is all there are: its own place is where others look for it.
        return ["all"] if n > 1 else [1]
    if not isinstance(folds, list) or not folds:
        raise HparamsError(f"{where}: folds is {folds!r}; write all, or a list such as [1, 2]")
    for fold in folds:
        if isinstance(fold, bool) or not isinstance(fold, int) or not 1 <= fold <= n:
            raise HparamsError(f"{where}: {protocol} has no fold {fold!r}; it has 1 to {n}")
    return folds


def _listed(block, key, where, default=None):
    """The values of ``keys: [..]`` or of ``key: value``."""
    one = _LISTS[key]
    if key in block and one in block:
        raise HparamsError(f"{where}: give {one} or {key}, not both")
    values = [block[one]] if one in block else block.get(key, default)
    if not isinstance(values, list) or not values:
        raise HparamsError(f"{where}: {key} is {values!r}; give a list of one or more")
    return values


def _texts(block, key, where):
    """``{key: text}``, each value as it is typed on a command line."""
    values = block.get(key) or {}
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise HparamsError(f"{where}: {key} is {values!r}; write KEY: VALUE lines")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }

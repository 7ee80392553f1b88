"""What was measured: the kept runs, put together over folds and seeds."""

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation.asked import cut_members, epochs_of, yaml_epochs
from ser_lib.evaluation.bootstrap import FEW_SPEAKERS, interval, resampled_matrices
from ser_lib.evaluation.breakdowns import worst_speaker
from ser_lib.evaluation.calibration import calibration
from ser_lib.evaluation.confusion import SCORES, confusion_matrix
from ser_lib.evaluation.tables import read_metrics
from ser_lib.sweep.keep import METRICS, PREDICTIONS, read_packed
from ser_lib.sweep.planned import identity_of


class Score(NamedTuple):
    """A score and the ends of its 95 % interval, as fractions; the ends may be None."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(eq=False)
class Kept:
    """One kept run: ``place`` below the results, ``metrics``, its predictions where kept."""

    place: str
    metrics: dict
    packed: Path | None

    @property
    def run(self):
        """The facts (dict)."""
        return self.metrics["run"]

    @property
    def system(self):
        """The system, with the variant where its place names one (str)."""
        words = [word for word in Path(self.place).parts[4:] if not word.startswith("seed-")]
        return " ".join([self.run["system"], *(f"({word})" for word in words)])

    @property
    def folds(self):
        """Folds that it ran (tuple of int)."""
        return tuple(self.run["folds_run"] if self.run["fold"] == "all" else [self.run["fold"]])

    @property
    def settings(self):
        """What it was made with, but for fold and seed (tuple)."""
        try:
            recipe, yaml, settings, flags, sample, _, _ = identity_of(self.run)
        except (KeyError, IndexError, TypeError, ValueError):
            return ("?", self.place)
        return (recipe, yaml, settings, flags, sample)

    @property
    def commands(self):
        """Its command, of all folds the one with ``--fold all`` (str)."""
        command = self.run["command"]
        if not isinstance(command, list):
            return command
        return command[0].replace(f"--fold {self.folds[0]}", "--fold all", 1)

    @property
    def ledgers(self):
        """Fold to the hash of its ledger (dict)."""
        if self.run["fold"] == "all":
            return {row["fold"]: row["ledger_sha256"] for row in self.metrics["folds"]["per_fold"]}
        return {self.run["fold"]: self.run["ledger_sha256"]}

    @functools.cached_property
    def frame(self):
        """Its predictions (pd.DataFrame), None where they were not kept."""
        return None if self.packed is None else read_packed(self.packed)


@dataclass(kw_only=True, eq=False)
class Measured:
    """A system under a protocol of a corpus, over the folds and seeds there are.

    ``ua`` and ``wa`` are scores; with several seeds the mean over them. ``cut`` tells that epochs
    were cut below the YAML's, ``partial`` that the corpus was not whole, ``few`` that fewer than
    :data:`~ser_lib.evaluation.bootstrap.FEW_SPEAKERS` were tested, too few for an interval to be
    more than rough. ``seconds``, ``worst`` (speaker, UA), ``ece``, ``latency`` (ms) and
    ``parameters`` may be None.
    """

    system: str
    corpus: str
    protocol: str
    runs: list
    folds: tuple
    n_folds: int
    seeds: list
    ua: Score
    wa: Score
    epochs: str
    cut: bool
    partial: bool
    few: bool
    seconds: float | None
    worst: tuple | None
    ece: float | None
    latency: float | None
    parameters: int | None
    hardware: str
    others: list = field(default_factory=list)


def read_kept(results: str | Path) -> list[Kept]:
    """All kept runs below a folder, sorted by place; raises RunError naming a damaged one."""
    results = Path(results)
    found = []
    for path in sorted(results.rglob(METRICS)):
        place = path.parent.relative_to(results).as_posix()
        if len(Path(place).parts) < 4:
            raise RunError(
                f"{path}: is not at <corpus>/<protocol>/<system>/<fold-N or all>; move it there"
            )
        packed = path.parent / PREDICTIONS
        found.append(Kept(place, read_metrics(path), packed if packed.is_file() else None))
    return found


def measure(kept: Sequence[Kept], latencies: Mapping[str, float] = MappingProxyType({})) -> dict:
    """Puts kept runs together.

    Arguments
    ---------
    kept : sequence of Kept
    latencies : mapping
        ``"CORPUS/SYSTEM"`` to milliseconds.

    Returns
    -------
    dict
        (corpus, protocol, system) to `Measured`. Of runs made with different settings, those not
        cut short come first, then those of more folds, seeds and epochs; ``others`` are the rest.
    """
    places = defaultdict(list)
    for one in kept:
        places[(one.run["corpus"], one.run["protocol"], one.system)].append(one)
    return {place: _put_together(place, runs, latencies) for place, runs in sorted(places.items())}


def _put_together(place, runs, latencies):
    groups = defaultdict(lambda: defaultdict(list))
    for one in runs:
        groups[one.settings][str(one.run["seed"])].append(one)
    choices = []
    for settings, seeds in sorted(groups.items(), key=repr):
        by_folds = defaultdict(dict)
        for seed, members in sorted(seeds.items()):
            whole = [one for one in members if one.run["fold"] == "all"]
            chosen = whole[:1] or sorted(members, key=lambda one: one.folds)
            folds = tuple(fold for one in chosen for fold in one.folds)
            by_folds[folds][seed] = chosen
        for folds, chosen in sorted(by_folds.items()):
            first = next(iter(chosen.values()))
            cut = any(_epochs(one)[1] for one in first)
            asked = first[0].run["epochs_asked"] or 0
            choices.append(((not cut, len(folds), len(chosen), asked, repr(settings)), chosen))
    chosen = max(choices, key=lambda choice: choice[0])[1]
    used = [one for members in chosen.values() for one in members]
    try:
        others = [one for one in runs if one not in used]
        return _measured(place, chosen, used, others, latencies)
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{used[0].place}/{METRICS}: a value is missing or of another kind ({error}); make the "
            "run again"
        ) from error


def _measured(place, chosen, used, others, latencies):
    corpus, protocol, system = place
    scores, worst, ece = _scores(list(chosen.values()))
    first = used[0].run
    epochs = [_epochs(one) for one in used]
    minutes = [sum(one.run["train_seconds"] for one in members) for members in chosen.values()]
    return Measured(
        system=system,
        corpus=corpus,
        protocol=protocol,
        runs=used,
        folds=tuple(fold for one in next(iter(chosen.values())) for fold in one.folds),
        n_folds=first["folds"],
        seeds=list(chosen),
        ua=scores["ua"],
        wa=scores["wa"],
        epochs=epochs[0][0] if len({text for text, _ in epochs}) == 1 else "",
        cut=any(cut for _, cut in epochs),
        partial=any("--allow_partial" in one.commands.split() for one in used),
        few=_speakers(next(iter(chosen.values()))) < FEW_SPEAKERS,
        seconds=sum(minutes) / len(minutes),
        worst=worst,
        ece=ece,
        latency=latencies.get(f"{corpus}/{system}"),
        parameters=max(one.run["parameters"] for one in used),
        hardware=" and ".join(dict.fromkeys(one.run["hardware"] for one in used)),
        others=others,
    )


def _speakers(members):
    """Test speakers of runs (int), added up where no predictions tell who was tested twice."""
    if any(one.frame is None for one in members):
        return sum(one.metrics["interval"]["speakers"] for one in members)
    return len({speaker for one in members for speaker in one.frame["speaker"]})


def _scores(seeds):
    """UA and WA, the worst speaker and the ECE of lists of runs, one list a seed."""
    if len(seeds) == 1 and len(seeds[0]) == 1:
        metrics = seeds[0][0].metrics
        told, card = metrics["worst_speaker"], metrics.get("calibration") or {}
        scores = {
            key: Score(*(metrics["metrics"][key][part] for part in ("value", "low", "high")))
            for key in ("ua", "wa")
        }
        return scores, (told["speaker"], told["ua"]), card.get("ece")
    runs = [one for members in seeds for one in members]
    if any(one.frame is None for one in runs):
        # Without predictions there is no telling how far the mean of folds or seeds may be off.
        values = {
            key: [one.metrics["metrics"][key]["value"] for one in runs] for key in ("ua", "wa")
        }
        return {key: Score(sum(v) / len(v)) for key, v in values.items()}, None, None
    classes = runs[0].run["classes"]
    frames = [pd.concat([one.frame for one in members], ignore_index=True) for members in seeds]
    # The same seed over the same speakers draws the same people, for every seed of the training.
    drawn = [resampled_matrices(frame, classes) for frame in frames]
    whole = [confusion_matrix(f["emotion"], f["predicted"], classes) for f in frames]
    scores = {}
    for key in ("ua", "wa"):
        value = sum(float(SCORES[key](matrix)) for matrix in whole) / len(whole)
        ends = None
        if drawn[0] is not None:
            ends = interval(sum(SCORES[key](matrices) for matrices in drawn) / len(drawn))
        scores[key] = Score(value, *(ends or (None, None)))
    pooled = pd.concat(frames, ignore_index=True)
    told = worst_speaker(pooled, classes)
    error = calibration(pooled, classes, None)["ece"]
    return scores, (told["speaker"], told["ua"]), error


def _epochs(one):
    """A run's epochs in words (str), and whether they were cut below the YAML's (bool)."""
    found = epochs_of(one.run)
    if found is not None and found.cut:
        return f"{found.span} of {found.asked} epochs", True
    if found is not None:
        return ", ".join(filter(None, (f"{found.span} epochs", found.early))), False
    cut = cut_members(one.run) if one.run["epochs_asked"] is None else None
    return ("", False) if cut is None else (f"{cut} of {yaml_epochs(one.run)} epochs", True)

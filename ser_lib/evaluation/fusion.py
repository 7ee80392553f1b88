"""Late fusion: the mean of the class probabilities of several systems on the same clips.

Source: github.com/ShaheenPerveen/speech-emotion-recognition-iemocap names the plain mean as its
final ensemble, but scored its members on different random splits. Here systems meet only where
their ledgers are one, clip by clip. Nothing is fitted, so nothing can be tuned on test.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation.predictions import COLUMNS, check_predictions, read_predictions
from ser_lib.evaluation.report import check_run, cut_short, write_report
from ser_lib.evaluation.scores import summary
from ser_lib.evaluation.tables import read_metrics
from ser_lib.markdown import count, listed
from ser_lib.pretrained.heard import encoders
from ser_lib.protocols.ledger import Ledger

_KEY = ("corpus", "fold", "id")
_FACTS = ("emotion", *(c for c in COLUMNS if c not in (*_KEY, "emotion", "predicted", "correct")))
_FILES = ("ledger.json", "metrics.json", "predictions.csv")


class Member(NamedTuple):
    """A system to fuse: the facts of its run (``run`` of metrics.json) and its predictions."""

    run: Mapping
    predictions: pd.DataFrame


def fuse(tables: Sequence[pd.DataFrame], names: Sequence[str] | None = None) -> pd.DataFrame:
    """Mean of the class probabilities of several tables of predictions, all of equal weight.

    Arguments
    ---------
    tables : sequence of pd.DataFrame
        Two or more (see `ser_lib.evaluation.predictions`), of the same clips in any order, with
        the same classes in any order. Clips meet by corpus, fold and id, classes by name.
    names : sequence of str, optional
        What errors call the tables.

    Returns
    -------
    pd.DataFrame
        Rows and columns in the order of the first table; ``predicted`` and ``correct`` follow
        from the means (of equal means the first class wins).

    Raises
    ------
    RunError
        Fewer than two tables, a broken one, or other clips, folds, corpora, classes or labels
        than in the first.
    """
    tables = list(tables)
    names = list(names) if names else [f"table {number}" for number in range(1, len(tables) + 1)]
    if len(tables) < 2:
        raise RunError(f"{count(len(tables), 'table')} to fuse; give two at least")
    classes = [
        check_predictions(table, name=name) for table, name in zip(tables, names, strict=True)
    ][0]
    first = tables[0].reset_index(drop=True)
    columns = [f"p_{label}" for label in classes]
    others = zip(tables[1:], names[1:], strict=True)
    aligned = [first, *(_align(first, names[0], table, name) for table, name in others)]
    shares = np.mean([table[columns].to_numpy(dtype=np.float64) for table in aligned], axis=0)
    predicted = np.array(classes, dtype=object)[shares.argmax(axis=1)]
    fused = first[[*COLUMNS, *columns]].copy()
    fused["predicted"] = predicted
    fused["correct"] = (fused["emotion"] == fused["predicted"]).to_numpy(dtype=bool)
    fused[columns] = shares
    return fused


def read_member(folder: str | Path, ledger: Ledger) -> Member:
    """A finished run of one fold, tested under the given split.

    Arguments
    ---------
    folder : str or Path
        Run folder; its ledger.json, metrics.json and predictions.csv are read.
    ledger : Ledger
        The split it must have: the same hash.

    Returns
    -------
    Member

    Raises
    ------
    RunError
        The folder holds no finished run of one fold, its files contradict one another, or its
        split is another one.
    ProtocolError
        Its ledger.json is none.
    """
    folder = Path(folder)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        inner = sorted(path.parent for path in folder.glob("fold-*/ledger.json"))
        hint = f"give the folder of one fold, such as {inner[0]}" if inner else "check the path"
        raise RunError(f"{folder} holds no finished run of one fold: no {missing[0]}; {hint}")
    told = Ledger.load(folder / "ledger.json")
    if told.sha256 != ledger.sha256:
        raise RunError(
            f"{folder} was tested under {_split(told)}, this run under {_split(ledger)}; fuse runs "
            "of one corpus, protocol, fold and seed of the split"
        )
    run = read_metrics(folder / "metrics.json")["run"]
    _check_member(folder / "metrics.json", run)
    predictions = read_predictions(folder / "predictions.csv")
    check_predictions(predictions, run["classes"], str(folder / "predictions.csv"))
    tested = sorted(predictions["id"]) == ledger.test
    if run["ledger_sha256"] != told.sha256 or not tested:
        raise RunError(
            f"{folder}: ledger.json, metrics.json and predictions.csv are not of one run; start "
            "that run's command again and let it finish"
        )
    return Member(run, predictions)


def fused_name(members: Sequence[Member]) -> str:
    """Name of the system that the members make together: theirs, joined by ``+``."""
    return "+".join(member.run["system"] for member in members)


def write_fused(folder: str | Path, members: Sequence[Member], command: str) -> dict:
    """Fuses the members and writes the report of a run (metrics.json, report.md, ...).

    Arguments
    ---------
    folder : str or Path
        The report's folder; made where absent.
    members : sequence of Member
        Two or more of one ledger; the first one's facts describe the split.
    command : str
        What gives this report again.

    Returns
    -------
    dict
        As `write_report` returns it; raises RunError as `write_report` and `fuse` do.
    """
    names = [member.run["system"] for member in members]
    fused = fuse([member.predictions for member in members], names)
    return write_report(folder, _facts(members, command), fused)


def _facts(members, command):
    """The facts of the fused run; it has no epochs of its own."""
    runs = [member.run for member in members]
    seeds = list(dict.fromkeys(run["seed"] for run in runs))
    notes = [
        *runs[0].get("protocol_notes", ()),
        "The fusion is the plain mean of its members' class probabilities and fits nothing; "
        "parameters and time are their sums.",
        *(
            f"{run['system']} was cut short: {run['epochs_run']} of "
            f"{count(run['epochs_asked'], 'epoch')} were run."
            for run in runs
            if cut_short(run)
        ),
    ]
    # What is true of a member alone: its temperature, what it fitted, how its model is saved.
    own = {"temperature", "fit", "native", "encoder", "initialised_from"}
    shared = {key: value for key, value in runs[0].items() if key not in own}
    told = [encoder for run in runs for encoder in encoders(run)]
    absent = [set(run.get("classes_without_training") or ()) for run in runs]
    return {
        **shared,
        **({"encoder": told} if told else {}),
        "classes_without_training": sorted(set.intersection(*absent)),
        "system": fused_name(members),
        "system_title": "Late fusion of " + " + ".join(run["system_title"] for run in runs),
        "system_source": "mean of the members' class probabilities",
        "protocol_notes": notes,
        "members": [_alone(member) for member in members],
        "seed": seeds[0] if len(seeds) == 1 else listed(seeds),
        "parameters": sum(run["parameters"] for run in runs),
        "augmented_copies": 0,
        **dict.fromkeys(("epochs_run", "epochs_asked", "best_epoch")),
        "stopped_early": False,
        "train_seconds": round(sum(run["train_seconds"] for run in runs), 1),
        "hardware": listed(dict.fromkeys(run["hardware"] for run in runs)),
        "command": command,
        "model_folder": "none: the mean of the members' probabilities",
        "date": datetime.date.today().isoformat(),
    }


def _alone(member):
    """What a member reaches without the others, on the same clips."""
    run, scores = member.run, summary(member.predictions, member.run["classes"])
    return {
        **{key: run[key] for key in ("system", "seed", "parameters")},
        **{key: scores[key] for key in ("ua", "wa")},
    }


def _check_member(path, run):
    """Raise RunError unless the facts of somebody's metrics.json can be used here."""
    try:
        check_run(run)
        numbers = all(run[key] >= 0 for key in ("parameters", "train_seconds"))
        texts = all(isinstance(run[key], str) for key in ("system_title", "hardware"))
        # The name becomes part of a folder's.
        named = re.fullmatch(r"\w[\w.+-]*", run["system"])
        cut_short(run)
    except (AttributeError, TypeError) as error:
        raise RunError(f"{path}: a fact of the run is of another kind ({error})") from error
    if not (numbers and texts and named and isinstance(run["classes"], list)):
        raise RunError(f"{path}: a fact of the run is of another kind; evaluate the run again")


def _align(first, first_name, table, name):
    """The rows of ``table`` in the order of ``first``, or RunError where they are not the same."""
    labels = [{c for c in t.columns if str(c).startswith("p_")} for t in (first, table)]
    if labels[0] != labels[1]:
        odd = sorted(label[2:] for label in labels[0] ^ labels[1])
        raise RunError(
            f"{first_name} and {name} differ in the classes {listed(odd)}; fuse systems "
            "that were trained on the same classes"
        )
    for column in ("corpus", "fold"):
        told = [listed(sorted(set(t[column]))) for t in (first, table)]
        if told[0] != told[1]:
            raise RunError(
                f"{first_name} is of {column} {told[0]}, {name} of {column} {told[1]}; fuse "
                "predictions of one test side"
            )
    keys, theirs = (list(t[list(_KEY)].itertuples(index=False, name=None)) for t in (first, table))
    if odd := sorted(set(keys) ^ set(theirs)):
        holds, lacks = (first_name, name) if odd[0] in set(keys) else (name, first_name)
        raise RunError(
            f"{holds} has the clip {odd[0][2]} and {lacks} has not ({count(len(odd), 'such clip')})"
            "; fuse predictions of one test side"
        )
    place = {key: row for row, key in enumerate(theirs)}
    table = table.iloc[[place[key] for key in keys]].reset_index(drop=True)
    for column in _FACTS:
        differs = (first[column] != table[column]).to_numpy()
        if differs.any():
            row = int(differs.argmax())
            raise RunError(
                f"clip {first['id'][row]}: {column} is {first[column][row]!r} in {first_name} and "
                f"{table[column][row]!r} in {name}; fuse predictions of one corpus"
            )
    return table


def _split(ledger):
    seed = "" if ledger.seed is None else f", seed {ledger.seed}"
    where = f"{ledger.protocol} fold {ledger.fold} of {ledger.folds} on {ledger.corpus}{seed}"
    return f"{where} (ledger {ledger.sha256[:12]})"

"""All folds of a protocol as one result: mean and spread over folds, and all clips pooled.

The mean over folds is what papers print. The pooled scores treat the test clips of all folds as
one test set, each judged by the model that did not train on it, and carry the speaker interval;
UA and macro-F1 are not linear in the clips, so the two differ a little.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation import sections
from ser_lib.evaluation.calibration import calibration
from ser_lib.evaluation.fold_report import fold_report_text
from ser_lib.evaluation.plates import draw, drop_stale
from ser_lib.evaluation.predictions import check_predictions, write_predictions
from ser_lib.evaluation.report import check_run, cut_short
from ser_lib.evaluation.scorecard import scorecard
from ser_lib.files import finite, staged, to_json, write_text
from ser_lib.markdown import listed

_SAME = ("system", "corpus", "protocol", "folds", "classes", "synthetic", "epochs_asked")


def aggregate(
    metrics_list: Sequence[Mapping],
    predictions_list: Sequence[pd.DataFrame],
    classes: Sequence[str],
) -> dict:
    """Puts the folds of one system and protocol together.

    Arguments
    ---------
    metrics_list : sequence of mapping
        What `write_report` returned for each fold, in any order.
    predictions_list : sequence of pd.DataFrame
        The predictions of the same folds, in the same order.
    classes : sequence of str
        Label names, in the model's order.

    Returns
    -------
    dict
        ``run`` (the facts of all folds as one: ``fold`` is ``"all"``, ``folds_run`` lists them,
        seconds and sizes are summed, what differs is a list); the scorecard of all clips pooled
        under its usual keys; ``folds`` with ``per_fold``, ``mean`` and ``std`` (ddof 1, None for
        a single fold). Scores are fractions.

    Raises
    ------
    RunError
        No fold, a fold twice, or folds of different systems, protocols, classes or splits.
    """
    runs = _check(metrics_list, predictions_list, classes)
    order = np.argsort([run["fold"] for run in runs])
    runs = [runs[i] for i in order]
    metrics_list = [metrics_list[i] for i in order]
    pooled = pd.concat([predictions_list[i] for i in order], ignore_index=True)
    per_fold = [
        {
            "fold": run["fold"],
            "clips": metrics["clips"],
            "seed": run["seed"],
            "speakers": metrics["interval"]["speakers"],
            "ledger_sha256": run["ledger_sha256"],
            **{name: metrics["metrics"][name]["value"] for name in sections.NAMES},
        }
        for run, metrics in zip(runs, metrics_list, strict=True)
    ]
    scores = {name: [row[name] for row in per_fold] for name in sections.NAMES}
    several = len(runs) > 1
    folds = {
        "per_fold": per_fold,
        "mean": {name: float(np.mean(values)) for name, values in scores.items()},
        "std": {
            name: float(np.std(values, ddof=1)) if several else None
            for name, values in scores.items()
        },
    }
    card = scorecard(pooled, classes)
    # Each fold has a temperature of its own.
    card["calibration"] = calibration(pooled, classes, None)
    return finite({"run": _one_run(runs), **card, "folds": folds})


def write_fold_report(
    folder: str | Path, metrics_list: Sequence[Mapping], predictions_list: Sequence[pd.DataFrame]
) -> dict:
    """Writes metrics.json, report.md, predictions.csv and figures/ of all folds into a folder.

    Returns what `aggregate` returns, which metrics.json holds; raises RunError as it does, and
    where the disk refuses. An earlier report stays until the new one is complete.
    """
    if not metrics_list:
        raise RunError("there is no fold to put together; run at least one")
    classes = metrics_list[0]["run"]["classes"]
    result = aggregate(metrics_list, predictions_list, classes)
    pooled = pd.concat(predictions_list, ignore_index=True).sort_values(["fold", "id"])
    cuts = [cut_short(metrics["run"]) for metrics in metrics_list]
    with staged(folder) as scratch:
        drawn = draw(scratch, result["run"], result)
        write_predictions(pooled, scratch / "predictions.csv")
        write_text(scratch / "report.md", fold_report_text(result, drawn, sum(map(bool, cuts))))
        write_text(scratch / "metrics.json", to_json(result))
    drop_stale(folder, drawn)
    return result


def _one_run(runs: Sequence[Mapping]) -> dict:
    """The facts of all folds as those of one run."""
    one = {}
    for key, first in runs[0].items():
        values = [run.get(key) for run in runs]
        one[key] = first if all(value == first for value in values) else values
    one["fold"], one["folds_run"] = "all", [run["fold"] for run in runs]
    one["train_seconds"] = sum(run["train_seconds"] for run in runs)
    one["sizes"] = {side: sum(run["sizes"][side] for run in runs) for side in runs[0]["sizes"]}
    one["hardware"] = listed(dict.fromkeys(run["hardware"] for run in runs))
    one["parameters"] = max(run["parameters"] for run in runs)
    one["versions"] = dict(runs[-1]["versions"])
    if revisions := dict.fromkeys(filter(None, (r["versions"].get("revision") for r in runs))):
        one["versions"]["revision"] = listed(revisions)
    one["shared"] = {
        pair: {
            kind: sorted({_hashable(thing) for run in runs for thing in run["shared"][pair][kind]})
            for kind in kinds
        }
        for pair, kinds in runs[0]["shared"].items()
    }
    if all("two_labels" in run for run in runs):
        one["two_labels"] = {
            side: sorted({name for run in runs for name in run["two_labels"][side]})
            for side in runs[0]["two_labels"]
        }
    else:
        one.pop("two_labels", None)
    return one


def _hashable(thing):
    return tuple(thing) if isinstance(thing, list) else thing


def _check(metrics_list, predictions_list, classes) -> list[Mapping]:
    """The runs, after refusing folds that do not belong together."""
    if not metrics_list or len(metrics_list) != len(predictions_list):
        raise RunError(
            f"{len(metrics_list)} folds' metrics beside {len(predictions_list)} tables "
            "of predictions; give one of each for at least one fold"
        )
    runs = [metrics["run"] for metrics in metrics_list]
    for run, frame in zip(runs, predictions_list, strict=True):
        check_run(run)
        check_predictions(frame, classes, name=f"predictions of fold {run['fold']}")
        odd = [key for key in _SAME if run[key] != runs[0][key]]
        if odd:
            raise RunError(
                f"fold {run['fold']}: {odd[0]} is {run[odd[0]]!r}, in fold "
                f"{runs[0]['fold']} it is {runs[0][odd[0]]!r}; put only folds of one "
                "system and protocol together"
            )
        if set(frame["fold"]) != {run["fold"]}:
            raise RunError(
                f"fold {run['fold']}: its predictions are of fold "
                f"{listed(sorted(set(frame['fold'])))}; give both in the same order"
            )
    numbers = [run["fold"] for run in runs]
    if len(set(numbers)) < len(numbers):
        raise RunError(f"folds {listed(numbers)}: one is there twice; give each fold once")
    return runs

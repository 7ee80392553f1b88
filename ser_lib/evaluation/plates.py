"""Which figures a report shows, drawn from its scorecard into a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ser_lib.evaluation import figures
from ser_lib.evaluation.calibration_figure import calibration_figure
from ser_lib.evaluation.sections import told_groups
from ser_lib.markdown import count, percent, span

FIGURES = ("confusion", "recall", "calibration", "groups", "curves")


def caption(run: Mapping, card: Mapping) -> str:
    """Corpus, protocol, fold, seed and UA in one line, and "synthetic voices" where so."""
    ua = card["metrics"]["ua"]
    ends = "" if ua["low"] is None else f" ({span(ua['low'], ua['high'])})"
    if run["fold"] == "all":
        done = len(run["folds_run"])
        fold = f"{'all' if done == run['folds'] else done} of {run['folds']} folds"
    else:
        fold = f"fold {run['fold']} of {run['folds']}"
    parts = [run["corpus"], run["protocol"], fold]
    if run["seed"] is not None:
        parts.append(f"seed {run['seed']}")
    parts.append(f"UA {percent(ua['value'], unit=True)}{ends}")
    if run["synthetic"]:
        parts.append("synthetic voices")
    return " · ".join(parts)


def drop_stale(folder: str | Path, drawn: Sequence[str]) -> None:
    """Removes the figures of an earlier report that the new one does not have."""
    for name in set(FIGURES) - set(drawn):
        (Path(folder) / "figures" / f"{name}.png").unlink(missing_ok=True)


def draw(folder: Path, run: Mapping, card: Mapping, history: Sequence[Mapping] = ()) -> list[str]:
    """Draws the figures of a report.

    Arguments
    ---------
    folder : Path
        Where ``figures/`` is made.
    run, card : mapping
        The run's facts and its scorecard.
    history : sequence of mapping
        The epochs, empty for a system that has none.

    Returns
    -------
    list of str
        Names without ``.png``: ``confusion`` and ``recall``, then ``calibration``, ``groups``
        and ``curves`` where there is something to show.
    """
    folder, line, title = folder / "figures", caption(run, card), run["system_title"]
    guess = card["chance"]["ua"]
    figures.confusion_figure(
        np.array(card["confusion"]["counts"]),
        card["confusion"]["classes"],
        folder / "confusion.png",
        f"{title}: what it confuses",
        line,
    )
    recalls = [
        {
            "name": name,
            "value": row["recall"],
            "low": row["recall_low"],
            "high": row["recall_high"],
            "note": count(row["support"], "clip"),
        }
        for name, row in card["per_class"].items()
    ]
    figures.interval_figure(
        {"": recalls},
        folder / "recall.png",
        f"{title}: recall of each class",
        line,
        measure="recall",
        chance=guess,
    )
    drawn = ["confusion", "recall"]
    if card.get("calibration"):
        calibration_figure(
            card["calibration"],
            folder / "calibration.png",
            f"{title}: can its probabilities be believed?",
            line,
        )
        drawn.append("calibration")
    groups = {
        column: [
            {"name": name or "(not told)", "value": row["ua"], "note": count(row["n"], "clip")}
            for name, row in rows.items()
        ]
        for column, rows in told_groups(card).items()
    }
    if groups:
        figures.interval_figure(
            groups, folder / "groups.png", f"{title}: UA of each group", line, chance=guess
        )
        drawn.append("groups")
    if history:
        figures.training_curves(
            history, folder / "curves.png", f"{title}: training", line, run["best_epoch"]
        )
        drawn.append("curves")
    return drawn

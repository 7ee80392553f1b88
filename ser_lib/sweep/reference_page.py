"""The section about reference points: what functionals and a linear machine give on the folds."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ser_lib.markdown import DASH, listed, percent, span, table
from ser_lib.sweep.kept_table import read_answers, recall, scores
from ser_lib.sweep.measured import Measured, Score

FOLDER = "reference"
_HEADERS = (
    *("corpus", "protocol", "folds", "clips", "UA [95 %]", "WA [95 %]", "ours above it, by UA"),
    "ours below it",
)


class Reference(NamedTuple):
    """A reference point: ``facts`` (dict), its answers (``frame``), ``ua`` and ``wa`` of them."""

    facts: dict
    frame: pd.DataFrame
    ua: Score
    wa: Score

    def rivals(self, measured: Mapping[tuple, Measured]) -> list[tuple]:
        """Systems under the same protocol, the best first: (`Measured`, UA here on its folds)."""
        place = (self.facts["recipe"], self.facts["protocol"])
        found = []
        for (corpus, protocol, _), one in measured.items():
            folds = self.frame["fold"].astype(int).isin(one.folds)
            if (corpus, protocol) == place and folds.any():
                found.append((one, recall(self.frame[folds])))
        return sorted(found, key=lambda rival: (-rival[0].ua.value, rival[0].system))


def references(results: str | Path) -> list[Reference]:
    """All reference points below a folder, sorted by name; raises RunError naming a damaged one."""
    found = []
    for path in sorted(Path(results, FOLDER).glob("*.json")):
        facts, frame = read_answers(path)
        found.append(Reference(facts, frame, **scores(frame)))
    return found


def section(found: list[Reference], measured: Mapping[tuple, Measured]) -> str:
    """The part of the page (Markdown), without a line break at its end.

    Arguments
    ---------
    found : list of Reference
    measured : mapping
        As :func:`ser_lib.sweep.measured.measure` gives it. Every system is compared on the folds
        that it has, by UA and without a test.
    """
    rows = []
    for one in found:
        rivals = one.rivals(measured)
        above = [_name(rival, ua) for rival, ua in rivals if rival.ua.value >= ua]
        below = [_name(rival, ua) for rival, ua in rivals if rival.ua.value < ua]
        voices = " (**synthetic voices**)" if one.facts["synthetic"] else ""
        rows.append(
            (
                f"{one.facts['recipe']}{voices}",
                f"`{one.facts['protocol']}`{' §' if one.facts['partial'] else ''}",
                *(one.facts["folds"], f"{len(one.frame):,}"),
                *(
                    f"{percent(score.value)} [{span(score.low, score.high)}]"
                    for score in (one.ua, one.wa)
                ),
                *(", ".join(names) or DASH for names in (above, below)),
            )
        )
    return (
        "## Reference points\n\n"
        "6,373 ComParE-2016 functionals a clip by [openSMILE](https://audeering.github.io/opensmile/)"
        ", standardised on the training side, and scikit-learn's `LinearSVC` (C 1e-4, balanced "
        "classes), nothing tuned; the clips of all folds are pooled. With nothing to choose it "
        "needs no validation side and learns from those clips too, which no system of the tables "
        "does. A system is compared on the folds that it has; where that is not all, the "
        "reference's UA on them stands behind it. A network below this is not yet a good one. "
        "openSMILE is free for research only; `python -m benchmarks.reference --recipe RAVDESS "
        "--protocol ravdess-si6 --data_folder PATH/TO/RAVDESS` makes a point and nothing else here "
        "needs it.\n\n" + table(_HEADERS, rows, left=2)
    )


def _name(rival, ua):
    if len(rival.folds) == rival.n_folds:
        return f"`{rival.system}`"
    return f"`{rival.system}` (fold {listed(rival.folds)}: {percent(ua)})"

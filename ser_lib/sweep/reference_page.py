"""The section about reference points: what functionals and a linear machine give on the folds."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ser_lib.evaluation.markdown import DASH, percent, span, table
from ser_lib.sweep.kept_table import read_answers, scores
from ser_lib.sweep.measured import Measured, Score

FOLDER = "reference"
_HEADERS = (
    *("corpus", "protocol", "folds", "clips", "UA [95 %]", "WA [95 %]", "ours above it, by UA"),
    "ours below it",
)


class Reference(NamedTuple):
    """A reference point: ``facts`` (dict), test ``clips`` (int), ``ua`` and ``wa``."""

    facts: dict
    clips: int
    ua: Score
    wa: Score


def references(results: str | Path) -> list[Reference]:
    """All reference points below a folder, sorted by name; raises RunError naming a damaged one."""
    found = []
    for path in sorted(Path(results, FOLDER).glob("*.json")):
        facts, frame = read_answers(path)
        found.append(Reference(facts, len(frame), **scores(frame)))
    return found


def section(found: list[Reference], measured: Mapping[tuple, Measured]) -> str:
    """The part of the page (Markdown), without a line break at its end.

    Arguments
    ---------
    found : list of Reference
    measured : mapping
        As :func:`ser_lib.sweep.measured.measure` gives it. Systems with all folds of a protocol
        are compared, by UA and without a test.
    """
    rows = []
    for one in found:
        corpus, protocol = one.facts["recipe"], one.facts["protocol"]
        rivals = sorted(
            (
                (-other.ua.value, f"`{other.system}`")
                for (place, rule, _), other in measured.items()
                if (place, rule) == (corpus, protocol) and len(other.folds) == one.facts["folds"]
            ),
        )
        above = [name for ua, name in rivals if -ua >= one.ua.value]
        below = [name for ua, name in rivals if -ua < one.ua.value]
        rows.append(
            (
                f"{corpus}{' (**synthetic voices**)' if one.facts['synthetic'] else ''}",
                f"`{protocol}`{' §' if one.facts['partial'] else ''}",
                *(one.facts["folds"], f"{one.clips:,}"),
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
        "classes), nothing tuned; the clips of all folds are pooled. A network below this is not "
        "yet a good one. openSMILE is free for research only; `python -m benchmarks.reference` "
        "makes these points and nothing else here needs it.\n\n" + table(_HEADERS, rows, left=2)
    )

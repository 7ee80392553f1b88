"""``python -m ser_lib compare``: is one run better than another, or only luckier with its test?

Both runs are scored on the same clips, so what is uncertain is the difference. Speakers are drawn
with replacement, the same ones for both runs, and the 95 % interval is that of the difference over
the draws (:mod:`ser_lib.evaluation.bootstrap`). Two intervals of the runs themselves may overlap
where this one is clear of 0. As there, it speaks of new speakers for these trained models; another
seed is another model.

Exit codes: 0 done, 2 an error that the person can mend, 130 interrupted.
"""

import itertools
import sys
from pathlib import Path
from typing import NamedTuple

from ser_lib.cli import number
from ser_lib.errors import HparamsError, RunError
from ser_lib.use.command import Parser, run

_EPILOG = """\
examples:
  python -m ser_lib compare runs/.../mfcc_cnn/seed-1986/fold-1 runs/.../mfcc_mlp/seed-1986/fold-1
  python -m ser_lib compare runs/*/ravdess-si6/*/seed-1986/predictions.csv --every_pair
"""


class Difference(NamedTuple):
    """One score of ``run`` minus that of ``other`` (names); scores are fractions.

    ``low`` and ``high`` are the ends of the 95 % interval of the difference, None where there is
    a single speaker; ``clips`` and ``speakers`` say what it rests on.
    """

    run: str
    other: str
    score: str
    value: float
    other_value: float
    difference: float
    low: float | None
    high: float | None
    clips: int
    speakers: int


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    return run(lambda: _main(sys.argv[1:] if argv is None else list(argv)))


def _parser():
    parser = Parser(
        "compare",
        description="Differences of UA, WA and macro-F1 between runs, with paired intervals over "
        "speakers.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="run folder, or a predictions.csv; the first is "
        "what the others are compared with",
    )  # fmt: skip
    parser.add_argument("--every_pair", action="store_true", help="not only with the first")
    parser.add_argument(
        "--common", action="store_true", help="accept different tests; compare on common clips"
    )
    parser.add_argument(
        "--resamples",
        type=number(100, kind=int),
        default=1000,
        help="draws of speakers (default: %(default)s)",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="the same as JSON")
    return parser


def _main(argv):
    options = _parser().parse_args(argv)
    if len(options.runs) < 2:
        raise HparamsError("compare needs two runs or more; see --help")
    # Heavy libraries load from here on, which --help need not wait for.
    from ser_lib.evaluation.predictions import read_predictions
    from ser_lib.files import to_json, write_text

    tables = []
    for name in options.runs:
        path = Path(name)
        tables.append(read_predictions(path / "predictions.csv" if path.is_dir() else path))
    names = _names(options.runs)
    places = range(len(tables))
    pairs = (
        itertools.combinations(places, 2) if options.every_pair else ((0, i) for i in places[1:])
    )
    found = []
    for first, second in pairs:
        one, two = paired(
            tables[second], tables[first], names[second], names[first], options.common
        )
        found += differences(one, two, names[second], names[first], options.resamples)
    print(_text(found, tables), end="")
    if options.output:
        write_text(options.output, to_json([row._asdict() for row in found]))


def paired(one, two, name="one", other="two", common=False):
    """Two tables of predictions cut to the same clips, in the same order.

    Arguments
    ---------
    one, two : pandas.DataFrame
        As :mod:`ser_lib.evaluation.predictions` describes.
    name, other : str
        What errors call them.
    common : bool
        Leave out clips that one of them lacks, instead of refusing.

    Raises
    ------
    RunError
        If the clips differ, none is common, or a clip has two emotions or speakers.
    """
    keys = ["corpus", "id"]
    if one.duplicated(keys).any() or two.duplicated(keys).any():
        # In folds that overlap a clip is judged by several models.
        keys = ["corpus", "fold", "id"]
    one, two = (table.set_index(keys).sort_index() for table in (one, two))
    both = one.index.intersection(two.index)
    lacking = len(one) + len(two) - 2 * len(both)
    if not len(both):
        raise RunError(f"{name} and {other} have no test clip in common; compare runs of one test")
    if lacking and not common:
        odd = one.index.symmetric_difference(two.index)[0]
        raise RunError(
            f"{name} ({len(one)} clips) and {other} ({len(two)}) test different clips, such as "
            f"{odd[-1]}; only the {len(both)} in common can be compared: --common"
        )
    one, two = one.loc[both].reset_index(), two.loc[both].reset_index()
    for column in ("emotion", "speaker"):
        odd = (one[column] != two[column]).to_numpy()
        if odd.any():
            place = int(odd.argmax())
            raise RunError(
                f"clip {one['id'][place]}: its {column} is {one[column][place]!r} in {name} and "
                f"{two[column][place]!r} in {other}; compare runs with the same labels"
            )
    return one, two


def differences(one, two, name="one", other="two", resamples=1000, seed=0):
    """Differences of the scores of two paired tables.

    Arguments
    ---------
    one, two : pandas.DataFrame
        As :func:`paired` returns them.
    name, other : str
        What they are called.
    resamples, seed : int
        Draws of speakers, the same ones for both, and their seed.

    Returns
    -------
    list of Difference
        UA, WA and macro-F1.
    """
    from ser_lib.evaluation.bootstrap import interval, resampled_matrices, speaker_codes
    from ser_lib.evaluation.confusion import SCORES, confusion_matrix

    classes = sorted({*one["emotion"], *one["predicted"], *two["predicted"]})
    # The same seed over the same speakers gives the same draws.
    drawn = [resampled_matrices(table, classes, resamples, seed) for table in (one, two)]
    whole = [confusion_matrix(t["emotion"], t["predicted"], classes) for t in (one, two)]
    speakers = int(speaker_codes(one).max()) + 1
    found = []
    for key, score in SCORES.items():
        value, other_value = (float(score(matrix)) for matrix in whole)
        ends = None if drawn[0] is None else interval(score(drawn[0]) - score(drawn[1]))
        low, high = ends or (None, None)
        difference = value - other_value
        found.append(
            Difference(
                *(name, other, key, value, other_value, difference),
                *(low, high, len(one), speakers),
            )
        )
    return found


def _names(runs):
    """Runs without the parts of their paths that all of them share (list of str)."""
    parts = [Path(run).parts for run in runs]
    parts = [p[:-1] if p[-1] == "predictions.csv" and len(p) > 1 else p for p in parts]
    start = 0
    while all(len(p) > start + 1 and p[start] == parts[0][start] for p in parts):
        start += 1
    end = 0
    while all(len(p) > start + end + 1 and p[-1 - end] == parts[0][-1 - end] for p in parts):
        end += 1
    return ["/".join(p[start : len(p) - end]) for p in parts]


def _text(found, tables):
    from ser_lib.evaluation.bootstrap import FEW_SPEAKERS
    from ser_lib.evaluation.sections import NAMES
    from ser_lib.markdown import DASH, count, percent, table

    rows = []
    for row in found:
        ends, clear = DASH, DASH
        if row.low is not None:
            ends = f"{100 * row.low:+.1f} to {100 * row.high:+.1f}"
            clear = "yes" if row.low > 0 or row.high < 0 else "no"
        score = NAMES[row.score].partition(" ")[0]
        told = (percent(row.value), percent(row.other_value), f"{100 * row.difference:+.1f}")
        rows.append((row.run, row.other, score, *told, ends, clear))
    head = ("run", "against", "score", "run, %", "against, %", "difference", "95 % interval")
    text = [table((*head, "clear of 0"), rows, left=3), ""]
    clips, speakers = ({getattr(row, key) for row in found} for key in ("clips", "speakers"))
    if len(clips) == 1:
        text.append(
            f"{count(*clips, 'clip')} of {count(*speakers, 'speaker')}. Differences are in points; "
            "intervals: paired bootstrap over speakers."
        )
    fewest = min(speakers)
    if fewest < 2:
        text.append("There is no interval: one speaker says nothing about the next.")
    elif fewest < FEW_SPEAKERS:
        text.append(f"Caution: intervals from {fewest} speakers are rough, probably too narrow.")
    if any(name.endswith("-synthetic") for frame in tables for name in set(frame["corpus"])):
        text.append("Synthetic voices: no claim about human speech.")
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    sys.exit(main())

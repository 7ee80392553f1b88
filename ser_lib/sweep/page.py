"""The page of all results as Markdown: what was published, what is left, and how to repeat it."""

import re
from collections.abc import Mapping, Sequence

from ser_lib.evaluation.bootstrap import FEW_SPEAKERS
from ser_lib.markdown import DASH, cell, count, listed, percent, span, table
from ser_lib.pretrained.heard import encoders, sentence, warning
from ser_lib.protocols import lookup
from ser_lib.sweep.drops import Drop
from ser_lib.sweep.measured import Measured
from ser_lib.sweep.neighbours import Neighbours, unranked
from ser_lib.sweep.published import NAMES, Published

CUT, PART, NEAR, FEW = "‡", "§", "≈", "°"
# Points below a published number from which the page says why.
SHORT = 5
COMMAND = "python -m ser_lib.sweep.tables"
HEADERS = (
    *("system", "parameters", "published, %", "ours, published protocol", "ours, new speakers"),
    *("drop from published", "drop from ours", "worst speaker, UA", "ECE, %", "latency, ms"),
    *("training, min", "hardware"),
)
_ABSENT = "not yet measured"
_INTRO = f"""\
# Results

![Published numbers, ours under the same protocol, and ours on new speakers](drop.png)

This page and its figure are written by `{COMMAND}` from the `metrics.json` and
`predictions.csv.gz` of the runs in this folder, from `latency.json`, `leak/` and `reference/`, and
from [`published.yaml`](published.yaml); `--check` ends with code 1 where they are not up to date.
The runs are planned by [`grids/`](grids), not all of which has been run, and made by
`python -m ser_lib.sweep results/grids/NAME.yaml`.

- **published** is what the source says, under its own split, in words; a source rarely tells how
  far its number may be off.
- **ours, published protocol** is this repository's run under that split. {NEAR} marks the nearest
  split here where the source's own cannot be had or should not be followed: what differs is told
  below the table. Where nothing was published on the corpus, it is a split that mixes speakers.
- **ours, new speakers** is the same system, tested on speakers that are neither in training nor in
  validation; what a pretrained encoder had heard before stands below the table. Rows are sorted by
  its UA. A cell's protocol leads to the command that repeats it.
- **drop** is in points of the published metric, from either number to the one on new speakers;
  its interval takes a published number as it stands, and two tests of ours as independent. It is
  not the speakers' doing alone: the two splits differ in test clips, often in how many clips
  train, and where {CUT} stands missing epochs are part of it.
- The columns after it are of the run on new speakers, or of the other one where that is all there
  is. ECE is the expected calibration error, in percent. Latency is from three seconds of sound to
  probabilities, in one thread (`python -m ser_lib.sweep.latency RUNS`). Training times are of all
  folds together, on machines that may have done other work beside; the one reading of a corpus by
  a frozen encoder is not in them.

Brackets hold 95 % intervals from draws of whole speakers. They speak of other speakers, for the
very models that were trained; the spread over seeds is not in them. WA is accuracy, UA the mean
recall of the classes. Scores of several folds are of all their test clips together, where sources
mostly give the mean over folds. {CUT} fewer epochs than the system's YAML asks for: a full run may
score otherwise. {PART} part of the corpus only: comparable with no number on the whole. {FEW} fewer
than {FEW_SPEAKERS} speakers were tested: the interval is rough and most likely too narrow, the
worst speaker is the worst of few, and the row's place in the ranking says little."""


def page(
    rows: Sequence[Drop],
    published: Sequence[Published],
    measured: Mapping[tuple, Measured],
    pairs: Sequence[Neighbours],
    more: Sequence[str] = (),
) -> str:
    """The whole page, ending with a line break.

    Arguments
    ---------
    rows : sequence of Drop
        As :func:`ser_lib.sweep.drops.drops` gives them.
    published : sequence of Published
        All entries, those of no corpus included.
    measured : mapping
        As :func:`ser_lib.sweep.measured.measure` gives it.
    pairs : sequence of Neighbours
        The paired tests.
    more : sequence of str
        Sections for after the corpora.
    """
    parts = [_INTRO]
    for corpus in sorted({row.corpus for row in rows}, key=lambda name: _rank(name, rows)):
        parts.append(_corpus(corpus, [row for row in rows if row.corpus == corpus]))
    parts += more
    nowhere = [one for one in published if one.corpus is None]
    if nowhere:
        lines = [
            f"- `{one.system}`: {_ABSENT}; nothing published ({one.reason})" for one in nowhere
        ]
        parts.append("## On no corpus yet\n\n" + "\n".join(lines))
    parts.append(_pairs(pairs, unranked(measured, pairs)))
    parts.append(_commands(measured))
    return "\n\n".join(parts) + "\n"


def _rank(corpus, rows):
    """Sorting key of a corpus: the one with the most measurements first."""
    there = [row for row in rows if row.corpus == corpus and (row.same or row.apart)]
    return (-len(there), corpus)


def _corpus(corpus, rows):
    synthetic = " (**synthetic voices**)" if corpus.endswith("-synthetic") else ""
    parts = [f"## {corpus}{synthetic}", table(HEADERS, [_row(row) for row in rows])]
    notes = [_note(row) for row in rows if row.nearest]
    notes += [
        f"- `{row.system}`: no number of its own was published: {row.published.reason}."
        for row in rows
        if row.published and row.published.value is None
    ]
    notes += [
        f"- `{row.system}`: {row.published.stand_in}, so no drop from the published number is told."
        for row in rows
        if row.published and row.published.stand_in
    ]
    notes += [_shortfall(row) for row in rows if _falls_short(row)]
    notes += [
        cell(f"- `{row.system}`: {row.published.note}")
        for row in rows
        if row.published and row.published.note and (row.same or row.apart)
    ]
    notes += _heard(rows)
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts)


def _heard(rows):
    """Lines on what the encoders of the rows' runs had heard before, one an encoder."""
    systems = {}
    for row in rows:
        runs = [kept for one in (row.apart, row.same) if one for kept in one.runs]
        for told in (encoder for kept in runs for encoder in encoders(kept.run)):
            line = " ".join(filter(None, (sentence(told), warning(told))))
            systems.setdefault(line, {})[f"`{row.system}`"] = None
    return [f"- {listed(names)}: {line}" for line, names in systems.items()]


def _row(row):
    used = row.apart or row.same
    same = DASH if row.same is None else _cell(row.same, row.metric, row.nearest)
    if row.same is not None and row.same is row.apart:
        same = "the same run"
    apart = DASH if row.apart is None else _cell(row.apart, row.metric)
    if used is None:
        same = apart = _ABSENT
    parameters = used.parameters if used else row.published and row.published.parameters
    return (
        f"`{row.system}`",
        DASH if parameters is None else f"{parameters:,}",
        _published(row.published),
        *(same, apart),
        _points(row.from_published, row.apart),
        _points(row.from_ours, row.same, row.apart),
        f"{used.worst[0]}: {percent(used.worst[1])}" if used and used.worst else DASH,
        percent(used.ece) if used else DASH,
        f"{used.latency:.1f}" if used and used.latency is not None else DASH,
        f"{used.seconds / 60:.1f}" if used else DASH,
        used.hardware if used else DASH,
    )


def _published(one):
    if one is None or one.value is None:
        return DASH
    text = f"[{one.value:g}]({one.source}) {NAMES[one.metric]}"
    clips = f", {count(one.clips, 'test clip')}" if one.clips else ""
    return f"{text}<br>{one.rule}{clips}"


def _cell(one, metric, nearest=False):
    """Scores, the row's metric first, then protocol, folds, seeds and epochs."""
    other = "ua" if metric == "wa" else "wa"
    scores = [f"{NAMES[key]} {_score(getattr(one, key))}" for key in (metric, other)]
    scores[0] += _marks(one)
    facts = [_folds(one), _seeds(one)] + ([one.epochs] if one.epochs else [])
    near = f"{NEAR} " if nearest else ""
    place = f"[`{one.protocol}`](#{_anchor(one)})"
    return "<br>".join([*scores, f"{near}{place}, {', '.join(facts)}"])


def _anchor(one):
    """Where on the page the commands of a row are (str)."""
    return re.sub(r"[^a-z0-9_-]+", "-", f"run-{one.corpus}-{one.protocol}-{one.system}".lower())


def _score(score):
    around = span(score.low, score.high)
    return f"{percent(score.value)} [{around}]" if around != DASH else percent(score.value)


def _points(score, *of):
    if score is None:
        return DASH
    ends = "" if score.low is None else f" [{100 * score.low:.1f} to {100 * score.high:.1f}]"
    return f"{100 * score.value:.1f}{ends}{_marks(*of)}"


def _marks(*of):
    """The marks of some `Measured` (str), behind a space where there are any."""
    kinds = ((CUT, "cut"), (PART, "partial"), (FEW, "few"))
    marks = "".join(mark for mark, kind in kinds if any(getattr(one, kind) for one in of))
    return marks and f" {marks}"


def _folds(one):
    if one.n_folds == 1:
        return "its one split"
    if len(one.folds) == one.n_folds:
        return f"all {one.n_folds} folds"
    noun = "fold" if len(one.folds) == 1 else "folds"
    return f"{noun} {listed(one.folds)} of {one.n_folds}"


def _seeds(one):
    return "1 seed" if len(one.seeds) == 1 else f"{len(one.seeds)} seeds"


def _note(row):
    """What sets our comparison apart from the published one."""
    said = row.published
    if row.same.protocol == said.ours:
        return cell(f"- {NEAR} `{row.system}`, `{row.same.protocol}`: {said.differs}.")
    wanted = f"`{said.ours}` is not measured yet" if said.ours else "no protocol here follows it"
    rule = lookup(row.same.protocol).short
    return cell(
        f"- {NEAR} `{row.system}`: {wanted}; `{row.same.protocol}` is another split ({rule})."
    )


def _falls_short(row):
    """Whether ours, under the published protocol, is more than `SHORT` points below (bool)."""
    said, same = row.published, row.same
    if said is None or said.value is None or same is None or same.protocol != said.ours:
        return False
    return said.value - 100 * row.score(same).value > SHORT


def _shortfall(row):
    said = row.published
    below = said.value - 100 * row.score(row.same).value
    return cell(
        f"- `{row.system}`, `{row.same.protocol}`: {below:.1f} points below the published number. "
        + (said.found or "Why is not yet found out.")
    )


def _pairs(pairs, left_out):
    parts = [
        "## Is one better than the next?",
        "Systems that were tested on the same folds and whose predictions were kept, ranked by "
        "UA, each with the next below it. The difference is paired, since both answered the same "
        "clips: its interval is of draws of speakers, the same ones for both. Clear of 0 means "
        "better for more than this test's luck, with one seed each; fewer than "
        f"{FEW_SPEAKERS} speakers make an interval rough. One in twenty pairs of equals is clear "
        "of 0 by luck.",
    ]
    if not pairs:
        parts.append("No two systems have kept predictions of one test yet.")
        return "\n\n".join(parts)
    rows = []
    for pair in pairs:
        found = pair.difference
        clear = DASH if found.low is None else "yes" if found.low > 0 or found.high < 0 else "no"
        ends = DASH
        if found.low is not None:
            ends = f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
        rows.append(
            (
                *(f"`{pair.protocol}`", f"`{pair.better}`", f"`{pair.next}`"),
                *(f"{100 * found.difference:+.1f}", ends, clear, _common(pair)),
                *(f"{found.clips:,}", found.speakers),
            )
        )
    headers = ("protocol", "ranked higher", "ranked next", "difference in UA, points")
    headers += ("95 % interval", "clear of 0", "folds")
    parts.append(table((*headers, "clips", "speakers"), rows, left=3))
    if left_out:
        lines = [
            f"- `{protocol}`: {listed(f'`{system}`' for system in systems)}"
            for protocol, systems in left_out.items()
        ]
        parts.append(
            "In no ranking, since their predictions were not kept or no other system was tested "
            "on the same clips:\n\n" + "\n".join(lines)
        )
    return "\n\n".join(parts)


def _common(pair):
    """The folds that two systems share (str)."""
    whole = lookup(pair.protocol).folds
    return f"all {whole}" if len(pair.folds) == whole > 1 else listed(pair.folds)


def _commands(measured):
    lines, rest = [], []
    for (corpus, protocol, system), one in measured.items():
        anchor = f'<a id="{_anchor(one)}"></a>'
        for kept in one.runs:
            hashes = listed(f"`{ledger[:12]}`" for ledger in kept.ledgers.values())
            date = kept.run["date"]
            dates = listed(dict.fromkeys(date if isinstance(date, list) else [date]))
            predictions = "" if kept.packed else "; predictions not kept"
            revision = kept.run["versions"].get("revision")
            code = f"code {revision}" if revision else "which code was not noted"
            lines.append(
                cell(
                    f"- {anchor}{system} on {corpus}, {protocol}: `{kept.commands}` (seed "
                    f"{kept.run['seed']}; {dates}; {code}; ledger {hashes}{predictions})"
                )
            )
            anchor = ""
        rest += [f"- `{other.place}`: `{other.commands}`" for other in one.others]
    text = "\n".join(lines) or "- nothing was measured yet"
    if rest:
        text += (
            "\n\nRuns that are there and in no row, since others of the same system are fuller:\n\n"
        )
        text += "\n".join(map(cell, rest))
    return (
        "## The commands that repeat each row\n\n"
        "`PATH/TO/...` is the folder of the corpus. A row repeats to the digit where code, "
        "libraries and the number of threads are the same; later code may draw other random "
        f"numbers from the same seed, or train otherwise in details.\n\n{text}"
    )

"""The figure of what is left of published numbers: one line a system, three marks."""

from collections.abc import Sequence
from pathlib import Path

from ser_lib.errors import RunError
from ser_lib.evaluation.bootstrap import FEW_SPEAKERS
from ser_lib.evaluation.figures import BLUE, GREY, INK, PALE, VERMILLION, headed_figure, quiet
from ser_lib.sweep.drops import Drop
from ser_lib.sweep.noted import notes, save_noted
from ser_lib.sweep.published import NAMES

_ROW = 0.235
_PLAIN = {"parse_math": False}


def drop_figure(rows: Sequence[Drop], path: str | Path) -> Path:
    """Draws published, ours under the same protocol and ours on new speakers.

    Arguments
    ---------
    rows : sequence of Drop
        A heading stands above each corpus; those without a measurement are left out.
    path : str or Path
        Where the PNG goes. What it shows is noted inside, for `shows`.

    Raises
    ------
    RunError
        There is no row, or the file cannot be written.
    """
    if not any(map(_is_measured, rows)):
        raise RunError(f"{path}: there is no measured system to draw")
    columns = _columns(rows)
    height = _ROW * max(map(len, columns)) + 0.55
    figure, axes = headed_figure(
        11.0,
        height,
        "Published, under the same kind of split, and with new test speakers",
        "Accuracy (WA; UA where the source gives that), percent, highest first. Bars: 95 % "
        "intervals over speakers; published numbers have none. ‡ fewer epochs than asked for. "
        f"§ part of the corpus. ° fewer than {FEW_SPEAKERS} test speakers: a rough interval.",
        columns=2,
    )
    for ax, lines in zip(axes, columns, strict=True):
        _panel(ax, lines, max(map(len, columns)))
    _legend(figure, axes[0])
    return save_noted(figure, path, _shown(rows))


def shows(rows: Sequence[Drop], path: str | Path) -> bool:
    """Whether a figure is there and shows these very rows."""
    return notes(path, _shown(rows))


def _columns(rows):
    """Two lists of lines, a heading being a str and a system a `Drop`, about as long as each other.

    The corpus with the most measurements stands first, and in a corpus what is left of most.
    """
    corpora = {}
    for row in filter(_is_measured, rows):
        corpora.setdefault(row.corpus, []).append(row)
    lines = []
    for corpus, members in sorted(corpora.items(), key=lambda item: (-len(item[1]), item[0])):
        members = sorted(members, key=lambda row: -row.score(row.apart or row.same).value)
        lines += ["", corpus, *members] if lines else [corpus, *members]
    half = (len(lines) + 1) // 2
    # No heading at the foot of the left column, and no empty line at the head of the right one.
    while half < len(lines) and (isinstance(lines[half - 1], str) or lines[half] == ""):
        half += 1
    left, right = lines[:half], lines[half:]
    if right and not isinstance(right[0], str):
        right.insert(0, f"{right[0].corpus}, continued")
    return left, right


def _panel(ax, lines, n_lines):
    for y, line in enumerate(lines):
        if isinstance(line, Drop):
            _line(ax, y, line)
    labels = [line if isinstance(line, str) else _label(line) for line in lines]
    ax.set_yticks(range(len(lines)), labels, **_PLAIN)
    for tick, line in zip(ax.get_yticklabels(), lines, strict=True):
        tick.set_fontweight("bold" if isinstance(line, str) else "normal")
    ax.set_ylim(n_lines - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.grid(axis="x", color=PALE, linewidth=0.8, zorder=0)
    ax.set_axisbelow(True)
    quiet(ax, spines=("bottom",))
    ax.tick_params(axis="y", labelcolor=INK)
    ax.tick_params(axis="x", labelcolor=GREY)


def _line(ax, y, row):
    published = _published(row)
    same = None if row.same is row.apart else row.same
    scores = [row.score(one) if one else None for one in (same, row.apart)]
    values = [published, *(score and 100 * score.value for score in scores)]
    there = [value for value in values if value is not None]
    if len(there) > 1:
        ax.plot([min(there), max(there)], [y, y], color="#C9D0D7", linewidth=1.2, zorder=1)
    shift = 0.17 if None not in scores else 0
    for score, colour, marker, dy, full in (
        (scores[0], BLUE, "o", -shift, row.follows),
        (scores[1], VERMILLION, "s", shift, True),
    ):
        if score is None:
            continue
        if score.low is not None:
            ends = [100 * score.low, 100 * score.high]
            ax.plot(ends, [y + dy] * 2, color=colour, linewidth=2.6, alpha=0.35, zorder=2)
        ax.plot(
            100 * score.value,
            y + dy,
            marker,
            color=colour if full else "white",
            markersize=5.5 if full else 5,
            markeredgecolor="white" if full else colour,
            markeredgewidth=0.7 if full else 1.3,
            zorder=4,
        )
    if published is not None:
        _published_mark(ax, [published], [y])


def _published(row):
    """The published number (float), or None where there is none of this very system."""
    return row.published.value if row.published and not row.published.stand_in else None


def _published_mark(ax, x, y):
    return ax.plot(
        x,
        y,
        "D",
        color="white",
        markeredgecolor=INK,
        markeredgewidth=1.3,
        markersize=5,
        zorder=3,
    )[0]


def _legend(figure, ax):
    marks = [
        _published_mark(ax, [], []),
        ax.plot([], [], "o", color=BLUE, markersize=6)[0],
        ax.plot([], [], "o", color="white", markeredgecolor=BLUE, markersize=5.5)[0],
        ax.plot([], [], "s", color=VERMILLION, markersize=6)[0],
    ]
    words = [
        "published",
        "ours, published protocol or the nearest",
        "ours, speakers mixed (nothing published)",
        "ours, test speakers not in training",
    ]
    figure.legend(
        marks,
        words,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handletextpad=0.3,
    )


def _label(row):
    used = [one for one in (row.same, row.apart) if one]
    marks = "".join(
        mark * any(getattr(one, kind) for one in used)
        for mark, kind in (("‡", "cut"), ("§", "partial"), ("°", "few"))
    )
    metric = f", {NAMES[row.metric]}" if row.metric != "wa" else ""
    return f"{row.system}{metric}{' ' if marks else ''}{marks}"


def _is_measured(row):
    return row.same is not None or row.apart is not None


def _shown(rows):
    """All that the figure shows (list)."""
    return [
        (
            row.corpus,
            _label(row),
            row.metric,
            _published(row),
            row.follows,
            *(
                None if one is None else [None if x is None else f"{x:.6f}" for x in row.score(one)]
                for one in (row.same, row.apart)
            ),
        )
        for row in filter(_is_measured, rows)
    ]

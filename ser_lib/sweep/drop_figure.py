"""The figure of what is left of published numbers: one line a system, three marks."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from ser_lib.errors import RunError
from ser_lib.evaluation.figures import BLUE, GREY, INK, PALE, VERMILLION, headed_figure, quiet
from ser_lib.evaluation.files import write_bytes
from ser_lib.sweep.drops import Drop
from ser_lib.sweep.published import NAMES

_ROW = 0.235
_NONE = "#8F99A4"
_PLAIN = {"parse_math": False}
_KEY = "Description"


def drop_figure(rows: Sequence[Drop], path: str | Path) -> Path:
    """Draws published, ours under the same protocol and ours on new speakers.

    Arguments
    ---------
    rows : sequence of Drop
        Sorted as they are to be drawn; a heading stands above each corpus.
    path : str or Path
        Where the PNG goes. What it shows is noted inside, for `shows`.

    Raises
    ------
    RunError
        There is no row, or the file cannot be written.
    """
    if not rows:
        raise RunError(f"{path}: there is no system to draw")
    columns = _columns(rows)
    height = _ROW * max(map(len, columns)) + 0.55
    figure, axes = headed_figure(
        11.0,
        height,
        "What is left of a published number when the test speakers are new",
        "Accuracy (WA; UA where the source gives that), percent. Bars: 95 % intervals over "
        "speakers; a published number comes without one. Grey: nothing measured here yet. "
        "‡ fewer epochs than the system asks for. § part of the corpus.",
        columns=2,
    )
    for ax, lines in zip(axes, columns, strict=True):
        _panel(ax, lines, max(map(len, columns)))
    _legend(figure, axes[0])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None, _KEY: _digest(rows)})
    return write_bytes(path, buffer.getvalue())


def shows(rows: Sequence[Drop], path: str | Path) -> bool:
    """Whether a figure is there and shows these very rows."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.info.get(_KEY) == _digest(rows)
    except OSError:
        return False


def _columns(rows):
    """Two lists of lines, a corpus being a str and a system a `Drop`, about as long as each other.

    The corpus with the most measurements stands first.
    """
    corpora = {}
    for row in rows:
        corpora.setdefault(row.corpus, []).append(row)
    blocks = sorted(
        ([corpus, *members] for corpus, members in corpora.items()),
        key=lambda block: (-sum(_is_measured(row) for row in block[1:]), block[0]),
    )
    whole = sum(map(len, blocks))
    left, right = [], []
    for block in blocks:
        side = left if not left or (not right and len(left) + len(block) <= whole / 2) else right
        side += ["", *block] if side else block
    return left, right


def _panel(ax, lines, n_lines):
    for y, line in enumerate(lines):
        if isinstance(line, Drop):
            _line(ax, y, line)
    labels = [line if isinstance(line, str) else _label(line) for line in lines]
    ax.set_yticks(range(len(lines)), labels, **_PLAIN)
    for tick, line in zip(ax.get_yticklabels(), lines, strict=True):
        heading = isinstance(line, str)
        tick.set_fontweight("bold" if heading else "normal")
        tick.set_color(INK if heading or _is_measured(line) else _NONE)
    ax.set_ylim(n_lines - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.grid(axis="x", color=PALE, linewidth=0.8, zorder=0)
    ax.set_axisbelow(True)
    colours = [tick.get_color() for tick in ax.get_yticklabels()]
    quiet(ax, spines=("bottom",))
    for tick, colour in zip(ax.get_yticklabels(), colours, strict=True):
        tick.set_color(colour)
    ax.tick_params(axis="x", labelcolor=GREY)


def _line(ax, y, row):
    published = row.published.value if row.published else None
    same = None if row.same is row.apart else row.same
    scores = [row.score(one) if one else None for one in (same, row.apart)]
    values = [published, *(score and 100 * score.value for score in scores)]
    there = [value for value in values if value is not None]
    measured = _is_measured(row)
    if len(there) > 1:
        ax.plot([min(there), max(there)], [y, y], color="#C9D0D7", linewidth=1.2, zorder=1)
    shift = 0.17 if None not in scores else 0
    for score, colour, marker, dy in (
        (scores[0], BLUE, "o", -shift),
        (scores[1], VERMILLION, "s", shift),
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
            color=colour,
            markersize=5.5,
            markeredgecolor="white",
            markeredgewidth=0.7,
            zorder=4,
        )
    if published is not None:
        _published_mark(ax, [published], [y], INK if measured else _NONE)


def _published_mark(ax, x, y, colour):
    return ax.plot(
        x,
        y,
        "D",
        color="white",
        markeredgecolor=colour,
        markeredgewidth=1.3,
        markersize=5,
        zorder=3,
    )[0]


def _legend(figure, ax):
    marks = [
        _published_mark(ax, [], [], INK),
        ax.plot([], [], "o", color=BLUE, markersize=6)[0],
        ax.plot([], [], "s", color=VERMILLION, markersize=6)[0],
    ]
    words = [
        "published",
        "ours, published protocol or the nearest (for most: speakers mixed)",
        "ours, speakers nobody had heard",
    ]
    figure.legend(
        marks,
        words,
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handletextpad=0.3,
    )


def _label(row):
    used = [one for one in (row.same, row.apart) if one]
    marks = "‡" * any(one.cut for one in used) + "§" * any(one.partial for one in used)
    metric = f", {NAMES[row.metric]}" if row.metric != "wa" else ""
    return f"{row.system}{metric}{' ' if marks else ''}{marks}"


def _is_measured(row):
    return row.same is not None or row.apart is not None


def _digest(rows):
    """A hash (str) of all that the figure shows."""
    shown = [
        (
            row.corpus,
            _label(row),
            row.metric,
            row.published.value if row.published else None,
            *(
                None if one is None else [None if x is None else f"{x:.6f}" for x in row.score(one)]
                for one in (row.same, row.apart)
            ),
        )
        for row in rows
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()

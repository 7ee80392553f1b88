"""A picture of emotion over time: every class's probability along one recording."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ser_lib.errors import RunError
from ser_lib.evaluation.figures import GREY, INK, PALE, headed_figure, quiet, save_png

# Okabe and Ito's set, and two greys that differ from it and from each other in lightness.
_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"),
    *("#3B4652", "#A9B2BC"),
)
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (7, 1.5, 1.5, 1.5)))
_MOST_LINES = 8
_CROWDED = 200


def timeline_figure(
    starts: np.ndarray,
    ends: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
    path: str | Path,
    title: str,
    subtitle: str = "",
) -> Path:
    """Probabilities over time as lines, and above them a band that names the most probable class.

    Arguments
    ---------
    starts, ends : np.ndarray
        Ends of the windows in s, shape (windows,); a window's value stands at its middle.
    probabilities : np.ndarray
        Fractions, shape (windows, classes).
    labels : sequence of str
        Class names.
    path : str or Path
        Where the PNG goes.
    title, subtitle : str
        What was heard; and by which model, in which windows.

    Raises
    ------
    RunError
        The shapes do not fit, there is no window, or the file cannot be written.
    """
    starts, ends = (np.asarray(edge, dtype=np.float64) for edge in (starts, ends))
    shares = np.asarray(probabilities, dtype=np.float64)
    if not len(starts) or shares.shape != (len(starts), len(labels)) or len(ends) != len(starts):
        raise RunError(
            f"{path}: probabilities of shape {shares.shape} cannot be drawn for {len(starts)} "
            f"windows and {len(labels)} classes; give one row a window and one column a class"
        )
    figure, ax = headed_figure(8.2, 3.4, title, subtitle)
    middles, total = (starts + ends) / 2, float(ends[-1])
    # A step each, as far as halfway to the neighbours, so that the whole recording is covered.
    edges = np.concatenate([[0.0], (middles[1:] + middles[:-1]) / 2, [total]])
    order = shares.mean(axis=0).argsort()[::-1]
    drawn = order[:_MOST_LINES]
    best = shares.argmax(axis=1)
    looks = {int(c): (_COLOURS[i % 8], _DASHES[i % 4]) for i, c in enumerate(sorted(drawn))}
    crowded = len(middles) > _CROWDED
    for column in drawn:
        colour, dash = looks[int(column)]
        value = 100 * shares[:, column]
        ax.plot(
            # A single window is a level.
            [0, total] if len(middles) == 1 else middles,
            [value[0]] * 2 if len(middles) == 1 else value,
            color=colour,
            # Dashes of lines that jump up and down cannot be told apart.
            linestyle="-" if crowded else dash,
            linewidth=0.9 if crowded else 1.8,
            label=labels[column],
            clip_on=False,
        )
    _band(ax, edges, best, labels, looks)
    ax.set_xlim(0, total)
    ax.set_ylim(0, 100)
    ax.set_yticks([0, 25, 50, 75, 100])
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_xlabel("time, s")
    if total >= 120:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(steps=[1, 1.2, 3, 6, 10]))
        ax.xaxis.set_major_formatter(_clock)
        ax.set_xlabel("time, min:s")
    ax.set_ylabel("probability, percent")
    quiet(ax, spines=("bottom",))
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        title=None if len(drawn) == len(labels) else f"{len(drawn)} of {len(labels)} classes",
        title_fontsize=8,
        handlelength=2.6,
        borderaxespad=0,
    )
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
    return save_png(figure, path)


def _band(ax, edges, best, labels, looks) -> None:
    """A strip above the axes: a stretch of one label is one block, named where there is room."""
    changes = [0, *(np.flatnonzero(np.diff(best)) + 1), len(best)]
    colours = [looks.get(int(best[first]), (GREY, "-"))[0] for first in changes[:-1]]
    # In x the data, in y the axes: 1 is their upper edge.
    transform, bottom, height = ax.get_xaxis_transform(), 1.04, 0.075
    ax.broken_barh(
        [(edges[a], edges[b] - edges[a]) for a, b in itertools.pairwise(changes)],
        (bottom, height),
        facecolors=colours,
        linewidth=0,
        transform=transform,
        clip_on=False,
    )
    for (first, after), colour in zip(itertools.pairwise(changes), colours, strict=True):
        left, right, label = edges[first], edges[after], labels[best[first]]
        if (right - left) / edges[-1] > 0.016 * (len(label) + 1):
            ax.text(
                (left + right) / 2,
                bottom + height / 2,
                label,
                transform=transform,
                ha="center",
                va="center_baseline",
                fontsize=8,
                color="white" if _is_dark(colour) else INK,
                parse_math=False,
            )


def _is_dark(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140


def _clock(seconds: float, _=None) -> str:
    """Seconds as minutes and seconds: 65 is ``1:05``."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:02.0f}"

"""The figure of a report's calibration: reliability on the left, risk and coverage on the right."""

from collections.abc import Mapping
from pathlib import Path

from ser_lib.evaluation.figures import (
    BLUE,
    GREY,
    INK,
    PALE,
    VERMILLION,
    headed_figure,
    quiet,
    save_png,
)


def calibration_figure(found: Mapping, path: str | Path, title: str, subtitle: str = "") -> Path:
    """Accuracy over confidence, and errors over the share of clips that are answered.

    Arguments
    ---------
    found : mapping
        From :func:`ser_lib.evaluation.calibration.calibration`.
    path : str or Path
        Where the PNG goes.
    title, subtitle : str
        What was evaluated, and how.

    Raises
    ------
    RunError
        The file cannot be written.
    """
    figure, (left, right) = headed_figure(8.2, 3.6, title, subtitle, columns=2)
    bins = found["reliability"]
    most = max(row["clips"] for row in bins)
    left.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle=":")
    left.plot(
        [100 * row["confidence"] for row in bins],
        [100 * row["accuracy"] for row in bins],
        color=BLUE,
        linewidth=1.4,
    )
    left.scatter(
        [100 * row["confidence"] for row in bins],
        [100 * row["accuracy"] for row in bins],
        # The area of a dot is its share of the clips.
        s=[15 + 120 * row["clips"] / most for row in bins],
        color=BLUE,
        edgecolor="white",
        zorder=3,
    )
    left.set_title("right, percent (dotted: as sure as right)", loc="left", fontsize=10, color=INK)
    left.set_xlabel("probability of the answer, percent (larger dot: more clips)")
    points = found["risk_coverage"]
    right.plot(
        [100 * point["coverage"] for point in points],
        [100 * point["risk"] for point in points],
        color=VERMILLION,
        linewidth=1.8,
        marker="o",
        markersize=3.5,
    )
    right.set_title("errors among answered clips, percent", loc="left", fontsize=10, color=INK)
    right.set_xlabel("clips answered, the surest first, percent")
    for ax in (left, right):
        ax.set_xlim(0, 102)
        ax.set_ylim(0, 102)
        ax.grid(color=PALE, linewidth=0.8)
        quiet(ax, spines=("left", "bottom"))
    return save_png(figure, path)

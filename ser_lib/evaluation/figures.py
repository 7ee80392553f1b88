"""The figures of a report, as PNG files: confusions, training curves, recalls, groups.

Each function draws on a figure of its own through matplotlib's object interface, so nothing is
shared between calls or threads, no window is opened, and matplotlib is loaded only when a figure
is asked for. Blue and vermillion are from the colour-blind-safe set of Okabe and Ito; line style
and marker say the same thing as the colour.
"""

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ser_lib.errors import RunError
from ser_lib.files import write_bytes

BLUE, VERMILLION, INK, GREY, PALE = "#0072B2", "#D55E00", "#1F2933", "#6B7785", "#E4E8EC"
DPI = 150
_PLAIN = {"parse_math": False}


def confusion_figure(
    matrix: np.ndarray, classes: Sequence[str], path: str | Path, title: str, subtitle: str = ""
) -> Path:
    """Confusion matrix: clip counts in the cells, colour by the share of the true class.

    Arguments
    ---------
    matrix : np.ndarray
        Clip counts, shape (classes, classes), true classes in rows.
    classes : sequence of str
        Label names, in the order of rows and columns.
    path : str or Path
        Where the PNG goes.
    title, subtitle : str
        What was evaluated; and protocol, fold, UA, "synthetic" where so.

    Raises
    ------
    RunError
        The matrix does not fit the classes, or the file cannot be written.
    """
    matrix = np.asarray(matrix)
    n = len(classes)
    if matrix.shape != (n, n):
        raise RunError(
            f"{path}: a confusion matrix of shape {matrix.shape} cannot be drawn for "
            f"{n} classes; give one row and one column a class"
        )
    from matplotlib.colors import LinearSegmentedColormap

    clips = matrix.sum(axis=1)
    shares = matrix / np.maximum(clips, 1)[:, None]
    side = max(3.0, 0.56 * n)
    longest = max(map(len, classes))
    names = [f"{name} ({count:,})" for name, count in zip(classes, clips, strict=True)]
    slanted = longest * 0.09 > side / n
    width = side + 1.5 + 0.08 * max(map(len, names))
    height = side + 0.6 + (0.06 * longest if slanted else 0)
    figure, ax = headed_figure(width, height, title, subtitle)
    shades = LinearSegmentedColormap.from_list("share", ["#FFFFFF", "#8CBFDD", BLUE, "#08395B"])
    image = ax.imshow(shares, cmap=shades, vmin=0, vmax=1)
    for row, column in np.ndindex(n, n):
        if matrix[row, column]:
            ink = "white" if shares[row, column] > 0.45 else INK
            weight = "bold" if row == column else "normal"
            ax.text(
                column,
                row,
                f"{matrix[row, column]:,}",
                ha="center",
                va="center",
                color=ink,
                fontsize=9,
                fontweight=weight,
            )
    ax.set_xticks(
        range(n),
        list(classes),
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor",
        **_PLAIN,
    )
    ax.set_yticks(range(n), names, **_PLAIN)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true (clips)")
    ax.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=PALE, linewidth=0.8)
    quiet(ax, spines=())
    bar = figure.colorbar(image, ax=ax, shrink=0.85, aspect=28, pad=0.02)
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "25", "50", "75", "100 %"])
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=GREY)
    bar.set_label("share of the true class", fontsize=8, color=GREY)
    bar.outline.set_visible(False)
    return save_png(figure, path)


def training_curves(
    history: Sequence[Mapping],
    path: str | Path,
    title: str,
    subtitle: str = "",
    best_epoch: int | None = None,
) -> Path:
    """Loss of both sides and validation UA over the epochs, with the best epoch marked.

    Arguments
    ---------
    history : sequence of mapping
        One an epoch: ``epoch`` and any of ``train_loss``, ``validation_loss`` and
        ``validation_ua`` (a fraction). A value may be absent or None.
    path : str or Path
        Where the PNG goes.
    title, subtitle : str
        What was trained, and how.
    best_epoch : int, optional
        The epoch whose weights were kept.

    Raises
    ------
    RunError
        The history is empty, or the file cannot be written.
    """
    if not history:
        raise RunError(
            f"{path}: there is no epoch to draw; leave the curves of a system that is "
            "not trained by epochs out"
        )
    figure, (left, right) = headed_figure(8.2, 3.5, title, subtitle, columns=2)
    train, validation = ("train", BLUE, "--"), ("validation", VERMILLION, "-")
    panels = ((left, "loss", 1, (train, validation)), (right, "ua", 100, (validation,)))
    for ax, measure, scale, parts in panels:
        for part, color, dash in parts:
            points = [
                (e["epoch"], e[f"{part}_{measure}"] * scale)
                for e in history
                if e.get(f"{part}_{measure}") is not None
            ]
            if points:
                x, y = zip(*points, strict=True)
                mark = "o" if len(points) == 1 else None
                ax.plot(x, y, color=color, linestyle=dash, linewidth=1.8, label=part, marker=mark)
                if part == "validation" and best_epoch in x:
                    ax.plot(
                        best_epoch,
                        y[x.index(best_epoch)],
                        "o",
                        color=color,
                        markersize=7,
                        markeredgecolor="white",
                        markeredgewidth=1.3,
                        zorder=4,
                    )
        if best_epoch is not None:
            ax.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":", zorder=1)
        epochs = [entry["epoch"] for entry in history]
        ax.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        ax.set_xlabel("epoch")
        ax.set_ylim(0, 100 if measure == "ua" else 1.08 * ax.get_ylim()[1])
        ax.grid(axis="y", color=PALE, linewidth=0.8)
        quiet(ax, spines=("left", "bottom"))
        if ax.lines:
            ax.legend(frameon=False, fontsize=9, labelcolor=INK)
    left.set_title("loss", loc="left", fontsize=10, color=INK)
    right.set_title("UA, percent", loc="left", fontsize=10, color=INK)
    if best_epoch is not None:
        right.set_xlabel(f"epoch (best on validation: {best_epoch})")
    return save_png(figure, path)


def interval_figure(
    groups: Mapping[str, Sequence[Mapping]],
    path: str | Path,
    title: str,
    subtitle: str = "",
    measure: str = "UA",
    chance: float | None = None,
) -> Path:
    """One dot a row on a percent axis, rows under headings, intervals as whiskers.

    Arguments
    ---------
    groups : mapping of str to sequence of mapping
        Heading (may be empty) to rows: ``name``, ``value`` (fraction or None), optional ``low``
        and ``high``, optional ``note`` printed at the right edge (such as the clips).
    path : str or Path
        Where the PNG goes.
    title, subtitle : str
        What was evaluated, and how.
    measure : str
        Name of the axis.
    chance : float, optional
        What guessing gives (fraction), drawn as a dashed line.

    Raises
    ------
    RunError
        There is no row, or the file cannot be written.
    """
    if not any(groups.values()):
        raise RunError(f"{path}: there is no group to draw; give at least one row")
    rows = [
        row
        for heading, members in groups.items()
        for row in ([{"heading": heading}] if heading else []) + list(members)
    ]
    figure, ax = headed_figure(6.6, 0.95 + 0.27 * len(rows), title, subtitle)
    for y, row in enumerate(rows):
        value, ends = row.get("value"), (row.get("low"), row.get("high"))
        ax.text(102, y, row.get("note", ""), va="center", fontsize=8, color=GREY, **_PLAIN)
        if value is None:
            continue
        ax.axhline(y, color=PALE, linewidth=0.8, zorder=0)
        if None not in ends:
            ax.plot(
                [100 * end for end in ends],
                [y, y],
                color=BLUE,
                linewidth=4,
                alpha=0.35,
                solid_capstyle="round",
                clip_on=False,
            )
        ax.plot(
            100 * value,
            y,
            "o",
            color=BLUE,
            markersize=7,
            markeredgecolor="white",
            clip_on=False,
            zorder=3,
        )
    if chance is not None:
        ax.axvline(100 * chance, color=VERMILLION, linewidth=1.2, linestyle="--", zorder=1)
        ax.text(100 * chance, -0.85, "guessing", color=VERMILLION, fontsize=8, ha="center")
    labels = [row.get("heading") or row["name"] for row in rows]
    ax.set_yticks(range(len(rows)), labels, **_PLAIN)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if "heading" in row else "normal")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"{measure}, percent")
    quiet(ax, spines=("bottom",))
    return save_png(figure, path)


def headed_figure(width: float, height: float, title: str, subtitle: str, columns: int = 1):
    """A figure of ``height`` inches of plot below a header as tall as its text, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = textwrap.wrap(title, math.floor(width * 10.5)) or [""]
    small = textwrap.wrap(subtitle, math.floor(width * 13.5))
    header = 0.16 + 0.22 * len(lines) + 0.18 * len(small)
    whole = height + header
    figure = Figure(figsize=(width, whole), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - header / whole), w_pad=0.08, h_pad=0.08)
    top = 0.1
    for text, size, weight, color, step in (
        *((line, 11.5, "bold", INK, 0.22) for line in lines),
        *((line, 9, "normal", GREY, 0.18) for line in small),
    ):
        figure.text(
            0.1 / width,
            1 - top / whole,
            text,
            ha="left",
            va="top",
            fontsize=size,
            fontweight=weight,
            color=color,
            **_PLAIN,
        )
        top += step
    axes = figure.subplots(1, columns)
    return figure, axes


def quiet(ax, spines: Sequence[str]) -> None:
    """Quiet axes: only the named edges, no tick marks, labels in ink."""
    for edge, spine in ax.spines.items():
        spine.set_visible(edge in spines)
        spine.set_color(GREY)
    ax.tick_params(which="both", length=0, labelsize=9, labelcolor=INK)
    ax.xaxis.label.set(color=GREY, fontsize=9)
    ax.yaxis.label.set(color=GREY, fontsize=9)


def save_png(figure, path: str | Path) -> Path:
    """Writes a figure as PNG in one step; raises RunError where the disk refuses."""
    # Laid out once and drawn once; savefig would draw all of it into nothing before.
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")
    buffer = io.BytesIO()
    figure.canvas.print_png(buffer, metadata={"Software": None})
    return write_bytes(path, buffer.getvalue())

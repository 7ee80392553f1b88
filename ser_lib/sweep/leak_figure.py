"""The leak's figure: what each of the five rules scores, and every epoch of their trainings."""

from collections.abc import Sequence
from pathlib import Path

from ser_lib.evaluation.figures import BLUE, GREY, INK, PALE, VERMILLION, headed_figure, quiet
from ser_lib.sweep.leak_page import EPOCHS, PUBLISHED, SYSTEM, Outcome
from ser_lib.sweep.noted import notes, save_noted

#: Whether test speakers are heard in training, and the training's name in the figure.
_TRAININGS = {
    "copies-mixed": (True, "copies and speakers on both sides"),
    "clips-mixed": (True, "speakers on both sides"),
    "scaler-on-all": (False, "speakers apart, scaler fitted on all"),
    "speakers-apart": (False, "speakers apart"),
}


def leak_figure(found: Sequence[Outcome], path: str | Path) -> Path:
    """Draws a line a rule: WA with its interval, and what was published; beside it every epoch.

    Arguments
    ---------
    found : sequence of Outcome
        In the order to be drawn.
    path : str or Path
        Where the PNG goes. What it shows is noted inside, for `shows`.
    """
    figure, (ax, beside) = headed_figure(
        11.4,
        0.5 * len(found) + 1.3,
        "One system, one corpus: what the rule of the experiment is worth",
        f"{SYSTEM} on RAVDESS, accuracy (WA) in percent. Left: after {found[0].epochs} epochs, "
        f"with 95 % intervals over speakers; {_later_words(found)}diamond: published by the first "
        f"rule, with {EPOCHS} epochs. Right: the test items after every epoch that was trained.",
        columns=2,
    )
    _curves(beside, found)
    for y, one in enumerate(found):
        colour = VERMILLION if one.name == "clean" else BLUE
        value, ends = 100 * one.wa.value, [one.wa.low, one.wa.high]
        if None not in ends:
            ends = [100 * end for end in ends]
            ax.plot(ends, [y, y], color=colour, linewidth=7, alpha=0.3, solid_capstyle="butt")
        ax.plot(value, y, "o", color=colour, markersize=8, markeredgecolor="white")
        _name(ax, value, y, colour)
        if one.later:
            value = 100 * one.later.wa.value
            ax.plot(value, y, "o", color="white", markersize=7, markeredgecolor=colour, zorder=3)
            # Below, since it may lie where the first point does.
            _name(ax, value, y, colour, -17)
    if found[0].rule.training == "copies-mixed":
        ax.plot(PUBLISHED, 0, "D", color="white", markeredgecolor=INK, markersize=7, zorder=3)
    ax.set_yticks(range(len(found)), [one.name for one in found])
    ax.set_ylim(len(found) - 0.5, -0.6)
    ax.set_xlim(0, 100)
    ax.grid(axis="x", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    quiet(ax, spines=("bottom",))
    ax.tick_params(axis="y", labelcolor=INK, labelsize=10)
    ax.tick_params(axis="x", labelcolor=GREY)
    return save_noted(figure, path, _shown(found))


def shows(found: Sequence[Outcome], path: str | Path) -> bool:
    """Whether a figure is there and shows these very outcomes."""
    return notes(path, _shown(found))


def _curves(ax, found):
    """Draws WA after every epoch, a line a training."""
    shown = {one.rule.training: one for one in found}
    for training, one in shown.items():
        wa = [100 * value for value in one.curve]
        mixed, words = _TRAININGS[training]
        colour = BLUE if mixed else VERMILLION
        style = "-" if training in ("copies-mixed", "speakers-apart") else "--"
        ax.plot(range(1, 1 + len(wa)), wa, style, color=colour, linewidth=1.6, label=words)
    if "copies-mixed" in shown:
        ax.axhline(PUBLISHED, color=INK, linewidth=1, linestyle=":", label="published")
    # Below the lines, which begin near chance and rise.
    ax.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower right", borderaxespad=0.1)
    ax.set_xlim(1, max(2, *(len(one.curve) for one in found)))
    ax.set_ylim(0, 100)
    ax.set_xlabel("epoch")
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    quiet(ax, spines=("bottom", "left"))
    ax.tick_params(labelcolor=GREY)


def _name(ax, value, y, colour, up=9):
    """Writes a number above its point, so many points of type."""
    words = {"textcoords": "offset points", "ha": "center", "color": colour, "fontsize": 9}
    ax.annotate(f"{value:.1f}", (value, y), (0, up), **words)


def _later_words(found):
    """What an open circle is (str), where there is one."""
    longer = [one.later.epochs for one in found if one.later]
    return f"open circle: at the epoch chosen of {longer[0]}; " if longer else ""


def _shown(found):
    """All that the figure shows (list)."""
    return [
        [one.name, *([f"{x:.6f}" for x in part] for part in (one.wa, one.curve, later))]
        for one in found
        for later in [one.later.wa if one.later else ()]
    ]

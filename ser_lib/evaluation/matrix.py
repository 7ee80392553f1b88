"""A table and a picture of systems trained on each corpus and tested on every one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ser_lib.evaluation import figures
from ser_lib.evaluation.rows import HEARD, HEARD_NOTE
from ser_lib.evaluation.sections import BANNER, document
from ser_lib.files import finite, staged, to_json, write_text
from ser_lib.markdown import count, percent, span, table


def write_matrix(folder: str | Path, facts: Mapping, cells: Sequence[Mapping]) -> dict:
    """Writes matrix.json, matrix.md and matrix.png into a folder.

    Arguments
    ---------
    folder : str or Path
        Made where absent; what it held stays until all is written.
    facts : mapping
        ``title`` (str), ``corpora`` (list of str), ``classes`` (list of str), ``command`` (str),
        ``synthetic`` (bool), ``notes`` (list of str).
    cells : sequence of mapping
        One a pair: ``train``, ``test`` (corpus), ``ua``, ``low``, ``high`` (fractions, the ends may
        be None), ``clips``, ``speakers``, ``classes`` (those that the test clips have, int), and
        ``heard`` (bool), whether a pretrained encoder had heard the tested corpus before.

    Returns
    -------
    dict
        What matrix.json holds.

    Raises
    ------
    RunError
        If the disk refuses.
    """
    result = finite({**facts, "cells": [dict(cell) for cell in cells]})
    found = {(cell["train"], cell["test"]): cell for cell in cells}
    with staged(folder, "matrix.json") as scratch:
        _draw(scratch / "matrix.png", facts, found)
        write_text(scratch / "matrix.md", _text(facts, found))
        write_text(scratch / "matrix.json", to_json(result))
    return result


def _text(facts, found):
    names = facts["corpora"]
    rows = [(f"**{train}**", *(_cell(found[train, test]) for test in names)) for train in names]
    sizes = [
        f"- {test}: {found[names[0], test]['classes']} of {len(facts['classes'])} classes; "
        f"{count(found[test, test]['clips'], 'clip')} of "
        f"{count(found[test, test]['speakers'], 'new speaker')} where the system was trained on "
        "it, all its clips for the others"
        for test in names
    ]
    parts = [
        ("", BANNER if facts["synthetic"] else ""),
        ("", "UA in percent with 95 % intervals over speakers; rows train, columns test."),
        ("", table(("trained on", *names), rows)),
        ("", HEARD_NOTE if any(cell.get("heard") for cell in found.values()) else ""),
        ("", "![UA of each pair](matrix.png)"),
        ("Test sides", "\n".join(sizes)),
        ("Notes", "\n".join(f"- {note}" for note in facts["notes"])),
        ("How to get this again", f"```\n{facts['command']}\n```"),
    ]
    return document(facts["title"], parts)


def _cell(cell):
    around = "" if cell["low"] is None else f" [{span(cell['low'], cell['high'])}]"
    text = percent(cell["ua"]) + _mark(cell) + around
    return f"**{text}**" if cell["train"] == cell["test"] else text


def _mark(cell):
    return HEARD if cell.get("heard") else ""


def _draw(path, facts, found):
    from matplotlib.colors import LinearSegmentedColormap

    names = facts["corpora"]
    values = np.array([[found[train, test]["ua"] for test in names] for train in names])
    side = 1.1 * len(names) + 1.2
    marked = "synthetic voices, " if facts["synthetic"] else ""
    subtitle = f"{marked}UA in percent; framed: tested on new speakers of its own corpus"
    if any(map(_mark, found.values())):
        subtitle += f"; {HEARD}: the encoder had heard the tested corpus before"
    figure, ax = figures.headed_figure(max(side + 1.2, 4.5), side + 0.6, facts["title"], subtitle)
    shades = LinearSegmentedColormap.from_list("ua", ["#FFFFFF", figures.BLUE])
    ax.imshow(values, cmap=shades, vmin=0, vmax=1)
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        ink = "white" if value > 0.6 else figures.INK
        text = f"{100 * value:.1f}{_mark(found[names[row], names[column]])}"
        ax.text(column, row, text, ha="center", va="center", color=ink)
        if row == column:
            box = {"fill": False, "edgecolor": figures.VERMILLION, "linewidth": 2}
            ax.add_patch(_rectangle(column, row, box))
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("tested on")
    ax.set_ylabel("trained on")
    figures.quiet(ax, ())
    figures.save_png(figure, path)


def _rectangle(column, row, style):
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, **style)

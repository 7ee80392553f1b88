"""The figure and its paragraph for the first screen of the repository's README."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ser_lib.evaluation.markdown import DASH, count, listed, percent, span
from ser_lib.pretrained.heard import encoders
from ser_lib.sweep.drops import Drop
from ser_lib.sweep.leak_page import Outcome, epochs
from ser_lib.sweep.measured import FEW_SPEAKERS, Measured
from ser_lib.sweep.reference_page import Reference

MARKER = "drop"
_EXPLAINED = (
    "A test is flattering when training has heard its voices, or noisy copies of its very clips; "
    "on voices nobody had heard, less is left. One line is a system on a corpus, in accuracy (WA) "
    "with 95 % intervals over speakers: what its source published (diamond), what it gives here "
    "under the published split or the nearest to it (blue; hollow where nothing was published: a "
    "split with speakers on both sides), and what is left on new speakers (orange)."
)


def headline(
    rows: Sequence[Drop],
    results: str = "results",
    leaks: Sequence[Outcome] = (),
    points: Sequence[Reference] = (),
    measured: Mapping[tuple, Measured] = MappingProxyType({}),
) -> str:
    """The figure, and what it shows in a paragraph.

    Arguments
    ---------
    rows : sequence of Drop
        All rows of the page.
    results : str
        The folder of results, as the README links to it.
    leaks : sequence of Outcome
        One system under several rules, the clean one last.
    points : sequence of Reference
        What functionals and a linear machine give.
    measured : mapping
        As :func:`ser_lib.sweep.measured.measure` gives it.

    Returns
    -------
    str
        Markdown without a line break at the end. Examples are the systems that lose most and
        least of a published number, of those that were measured both ways.
    """
    both = [row for row in rows if row.from_ours and row.mixes]
    told = [row for row in rows if row.from_ours and row.from_published]
    bullets = []
    if told:
        most = max(told, key=lambda row: row.from_published.value)
        least = min(told, key=lambda row: row.from_published.value)
        bullets += [_example(row) for row in dict.fromkeys((most, least))]
    if both:
        clear = [row for row in both if row.from_ours.low is not None and row.from_ours.low > 0]
        few = sum(row.same.few or row.apart.few for row in clear)
        rough = f" ({few} of them on fewer than {FEW_SPEAKERS} test speakers)" if few else ""
        bullets.append(
            f"Of {count(len(both), 'pair')} of system and corpus measured with speakers on both "
            f"sides and with speakers apart, {len(clear)} lose an amount whose 95 % interval "
            f"leaves out zero{rough}"
        )
    if len(leaks) > 1:
        first, last = leaks[0], leaks[-1]
        bullets.append(
            f"One system, data, seed and {epochs(leaks)} epochs under "
            f"{count(len(leaks), 'rule')} of testing: from {percent(first.wa.value, unit=True)} "
            f"({first.name}{_later(first)}) to {percent(last.wa.value, unit=True)} ({last.name}), "
            f"[the leak, demonstrated]({results}/README.md#the-leak-demonstrated)"
        )
    if points:
        beaten = (
            f"{percent(one.ua.value, unit=True)} on `{one.facts['protocol']}`" for one in points
        )
        bullets.append(
            "To beat: a linear support vector machine on openSMILE's functionals, UA (mean recall "
            f"of the classes) {listed(beaten)}; {_beating(points, measured)}"
        )
    lines = "".join(f"- {bullet}.\n" for bullet in bullets)
    figure = (
        "![Published accuracy, ours under the same protocol, and ours on new speakers, "
        f"one line a system]({results}/drop.png)"
    )
    return (
        f"{figure}\n\n{_EXPLAINED}\n\n{lines}\n"
        "Every row with folds, seeds, epochs, paired tests and the command that repeats it: "
        f"[{results}/README.md]({results}/README.md)."
    )


def _beating(points, measured):
    whole, part = {}, []
    for point in points:
        for one, ua in point.rivals(measured):
            if one.ua.value < ua:
                continue
            if len(one.folds) == one.n_folds:
                told = f"{percent(one.ua.value)} on `{one.protocol}`"
                whole.setdefault((one.system, _marks(one)), []).append(told)
            else:
                part.append(
                    f"`{one.system}` on fold {listed(one.folds)} of `{one.protocol}` alone "
                    f"({percent(one.ua.value)} against {percent(ua)}{_marks(one)})"
                )
    names = [f"`{name}` ({listed(told)}{marks})" for (name, marks), told in whole.items()]
    verb = "reach" if len(names) > 1 else "reaches"
    told = listed(names) if names else "no system here"
    return f"{told} {verb} that on all folds" + (f", {listed(part)}" if part else "")


def _marks(one):
    """What a reader must know beside a number, each after a semicolon (str)."""
    told = [encoder for kept in one.runs for encoder in encoders(kept.run)]
    marks = []
    if any(encoder.get("shared") for encoder in told):
        marks.append("pretrained, on this corpus too")
    elif any(encoder["corpora"] is None for encoder in told):
        marks.append("pretrained, on speech that is not listed")
    elif told:
        marks.append("pretrained")
    marks += ["fewer epochs than it asks for"] * one.cut
    return "".join(f"; {mark}" for mark in marks)


def _example(row):
    marks = [
        *["fewer epochs than it asks for"] * (row.same.cut or row.apart.cut),
        *["part of the corpus"] * (row.same.partial or row.apart.partial),
        *[f"fewer than {FEW_SPEAKERS} test speakers"] * (row.same.few or row.apart.few),
    ]
    return (
        f"`{row.system}`, {row.corpus}: {row.published.value:g} % published, "
        f"{_score(row.score(row.same))} on `{row.same.protocol}`, **"
        f"{_score(row.score(row.apart)).replace(' %', ' %**', 1)} on new speakers "
        f"(`{row.apart.protocol}`{''.join(f'; {mark}' for mark in marks)})"
    )


def _score(score):
    around = span(score.low, score.high)
    return percent(score.value, unit=True) + ("" if around == DASH else f" [{around}]")


def _later(one):
    """What a training that went on beyond the others came to (str)."""
    if not one.later:
        return ""
    return f"; {percent(one.later.wa.value, unit=True)} after {len(one.curve)} epochs"

"""The figure and its paragraph for the first screen of the repository's README."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ser_lib.markdown import DASH, count, listed, percent, span
from ser_lib.pretrained.heard import encoders
from ser_lib.sweep.drops import Drop
from ser_lib.sweep.leak_page import EPOCHS, PUBLISHED, SYSTEM, Outcome
from ser_lib.sweep.measured import FEW_SPEAKERS, Measured
from ser_lib.sweep.reference_page import Reference

MARKER = "drop"
_EXPLAINED = (
    "A test is flattering when training has heard its voices, or noisy copies of its very clips. "
    "One line is a system on a corpus, in accuracy (WA) with 95 % intervals over speakers: what "
    "its source published (diamond), what it gives here under the published split or the nearest "
    "to it (blue; hollow where nothing was published: a split with speakers on both sides), and "
    "what is left when the test speakers are not in training (orange)."
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
        Markdown without a line break at the end. Examples are, of the systems that were published
        with speakers on both sides and measured both ways, the one that loses most in a test
        without reserve and the one that loses most of all; and those published with test speakers
        apart. Before them stands the one of ``leaks``, in which nothing but the rule differs.
    """
    both = [row for row in rows if row.from_ours and row.mixes]
    told = [row for row in rows if row.from_ours and row.from_published]
    mixed = sorted((row for row in told if row.mixes), key=lambda row: -row.from_published.value)
    plain = [row for row in mixed if not _reserves(row)]
    examples = dict.fromkeys([*plain[:1], *mixed[:1]])
    bullets = [_example(row) for row in examples]
    bullets += [_example(row, " with test speakers apart") for row in told if not row.mixes]
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
        more = f"[the leak, demonstrated]({results}/README.md#the-leak-demonstrated)"
        bullets.insert(0, f"{_leak(leaks)}: {more}")
    if points:
        beaten = (
            f"{percent(one.ua.value, unit=True)} on `{one.facts['protocol']}`" for one in points
        )
        bullets.append(
            "To beat: a linear support vector machine on openSMILE's functionals, UA (mean recall "
            f"of the classes) {listed(beaten)}. {_beating(points, measured)}"
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
    """What reaches the reference on all of its folds (str, a sentence without its full stop)."""
    whole, part = {}, {}
    for point in points:
        for one, ua in point.rivals(measured):
            if one.ua.value < ua:
                continue
            if len(one.folds) == one.n_folds:
                told = f"{percent(one.ua.value)} on `{one.protocol}`"
                whole.setdefault((one.system, _marks(one)), []).append(told)
            else:
                part[f"`{one.system}`"] = None
    names = [f"`{name}` ({listed(told)}{marks})" for (name, marks), told in whole.items()]
    verb = "reach" if len(names) > 1 else "reaches"
    told = f"{listed(names) if names else 'No system here'} {verb} that on all folds"
    return told + (f"; on part of the folds {listed(part)}" if part else "")


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


def _reserves(row):
    """What a reader must know beside both of a row's numbers (list of str)."""
    return [
        *["fewer epochs than it asks for"] * (row.same.cut or row.apart.cut),
        *["part of the corpus"] * (row.same.partial or row.apart.partial),
        *[f"fewer than {FEW_SPEAKERS} test speakers"] * (row.same.few or row.apart.few),
    ]


def _example(row, how=""):
    marks = "".join(f"; {mark}" for mark in _reserves(row))
    return (
        f"`{row.system}`, {row.corpus}: {row.published.value:g} % published{how}, "
        f"{_score(row.score(row.same))} on `{row.same.protocol}`, **"
        f"{_score(row.score(row.apart)).replace(' %', ' %**', 1)} on new speakers "
        f"(`{row.apart.protocol}`{marks})"
    )


def _score(score):
    around = span(score.low, score.high)
    return percent(score.value, unit=True) + ("" if around == DASH else f" [{around}]")


def _leak(leaks):
    """What the first and the last rule give one system, as long as both were trained (str)."""
    first, last = leaks[0], leaks[-1]
    if first.later and last.later:
        first, last = first.later, last.later
    marks = ["fewer epochs than it asks for"] * (last.epochs < EPOCHS)
    marks += [f"fewer than {FEW_SPEAKERS} test speakers"] * (last.speakers < FEW_SPEAKERS)
    return (
        f"`{SYSTEM}`, RAVDESS: {PUBLISHED:g} % published; the same system, corpus, seed and "
        f"{last.epochs} epochs give {_score(first.wa)} by the published rule ({first.name}) and **"
        f"{_score(last.wa).replace(' %', ' %**', 1)} on new speakers "
        f"({'; '.join([last.name, *marks])})"
    )

"""The audit of a ledger as a page of text: what the split is, what it shares, what it keeps."""

import textwrap

from ser_lib.protocols.registry import PROTOCOLS, SYNTHETIC
from ser_lib.protocols.sharing import (
    PAIRS,
    SIDES,
    alike,
    conflicts,
    count,
    drift,
    repeats,
    share,
    words,
)

WIDTH = 100
SHOWN = 3
ALIKE_SHOWN = 20


def report(ledger, title, near=None):
    """Readable audit of a ledger; every number is computed afresh from its clips.

    Arguments
    ---------
    ledger : Ledger
        As loaded or as split.
    title : str
        Where it came from, printed on top.
    near : list of (str, str, float), optional
        Near-identical clips of the corpus, if the sound was compared
        (:func:`ser_lib.data.likeness.near_identical`); None says that it was not.

    Returns
    -------
    text : str
        Several lines, none of them ending the text.
    kept : bool
        Whether every promise is kept.
    """
    counts = count(ledger.sides, ledger.clips)
    shared = share(ledger.sides, ledger.clips)
    checks = ledger.checks()
    broken = sum(bool(objections) for _, _, objections in checks)
    lines = [title, "=" * len(title), *_head(ledger), ""]
    lines += [*_sizes(ledger, counts), "", *_balance(counts), "", *_speakers(ledger, shared), ""]
    lines += [*_shared(shared), "", *_near(ledger, near), ""]
    lines += [*_words(ledger), *_conflicts(ledger), _augmentation(ledger), ""]
    lines += [*_promises(checks), ""]
    if broken:
        lines.append(f"Verdict: {broken} of {len(checks)} promises broken.")
    else:
        lines.append(f"Verdict: all {len(checks)} promises kept.")
    return "\n".join(lines), not broken


def _head(ledger):
    """What the split is and where its rule comes from."""
    synthetic = " (synthetic sound: its numbers are no results)"
    seed = "none, the cut is fixed" if ledger.seed is None else str(ledger.seed)
    known = "" if ledger.protocol in PROTOCOLS else " (not among this version's protocols)"
    rows = [
        ("protocol", f"{ledger.protocol}, fold {ledger.fold} of {ledger.folds}{known}"),
        ("corpus", ledger.corpus + (synthetic if SYNTHETIC in ledger.corpus else "")),
        ("rule", ledger.description),
        ("source", ledger.source),
        *(("note", note) for note in ledger.notes),
        ("seed", seed),
        ("sha256", ledger.sha256),
    ]
    return [line for label, text in rows for line in _wrap(f"{label:<10}", text)]


def _sizes(ledger, counts):
    """Clips, speakers, statements, genders and classes, one column a side, with their shares."""
    rows = [("clips", [counts[side]["clips"] for side in SIDES])]
    rows.append(("speakers", [len(counts[side]["speakers"]) for side in SIDES]))
    said = words(ledger.sides, ledger.clips)
    if said:
        rows.append(("statements", [said["statements"][side] for side in SIDES]))
    rows.append(("repeated audio, clips", list(repeats(ledger.sides, ledger.clips).values())))
    for kind in ("gender", "emotion"):
        for value in sorted({value for side in SIDES for value in counts[side][kind]}):
            label = f"  {value or f'unknown {kind}'}"
            rows.append((label, [_part(counts[side], kind, value) for side in SIDES]))
    return _table("What the sides hold", SIDES, rows)


def _part(held, kind, value):
    """``120  50 %``: how many clips of a side, and how much of it."""
    number = held[kind].get(value, 0)
    return f"{number} {100 * number / max(held['clips'], 1):3.0f} %"


def _balance(counts):
    """The class and the gender whose share is furthest from what it is in train."""
    lines = ["Furthest from the balance of train (points of a hundred)"]
    for kind, label in (("emotion", "classes"), ("gender", "genders")):
        apart = drift(counts, kind)
        told = (f"{side} {gap:+.1f} ({v or 'unknown'})" for side, (v, gap) in apart.items())
        lines.append(f"  {label}: {', '.join(told)}")
    return lines


def _speakers(ledger, shared):
    """The headline, then who is shared between which sides."""
    heard = ledger.shared_test_speakers
    lines = [f"Shared speakers: {len(heard)} (in test and also in train or validation)"]
    for first, second in PAIRS:
        names = shared[f"{first}-{second}"]["speakers"]
        start = f"  speakers shared {first}-{second}: {len(names)}"
        lines += _wrap(f"{start:<40}", " ".join(names)) if names else [start]
    return lines


def _shared(shared):
    """How much each pair of sides has in common, one column a pair."""
    pairs = [f"{first}-{second}" for first, second in PAIRS]
    labels = {
        "speakers": "speakers",
        "statements": "statements",
        "clips": "clips on both sides",
        "identical_audio": "identical audio, pairs",
        "siblings": "augmented siblings, pairs",
    }
    rows = [(label, [len(shared[pair][kind]) for pair in pairs]) for kind, label in labels.items()]
    return _table("What the sides share", pairs, rows)


def _near(ledger, near):
    """Clips that sound the same without being exact copies, a line a pair of sides."""
    if near is None:
        return ["Near-identical audio: not compared (give --data_folder)"]
    found = alike(ledger.sides, ledger.clips, near)
    lines = [f"Near-identical audio, pairs besides exact copies: {sum(map(len, found.values()))}"]
    for sides, pairs in found.items():
        lines.append(f"  {sides}: {len(pairs)}")
        lines += [f"  - {a} and {b}: {degree:.3f}" for a, b, degree in pairs[:ALIKE_SHOWN]]
        if len(pairs) > ALIKE_SHOWN:
            lines.append(f"  - and {len(pairs) - ALIKE_SHOWN} more")
    return lines


def _words(ledger):
    """Whether the test says anything new."""
    said = words(ledger.sides, ledger.clips)
    if not said:
        return ["Words: the corpus does not tell what is said."]
    known, clips = said["known_test_clips"], said["test_clips"]
    verdict = "text-independent" if not known else "not text-independent"
    return [f"Words: {known} of {clips} test clips say a statement of train ({verdict})"]


def _conflicts(ledger):
    """Groups of clips with the same samples and different labels."""
    groups = conflicts(ledger.sides, ledger.clips)
    lines = [f"Identical audio under different labels: {len(groups)}"]
    for group in groups[:SHOWN]:
        lines += _wrap(
            "  - ", ", ".join(f"{name} ({label}, {side})" for name, label, side in group)
        )
    if len(groups) > SHOWN:
        lines.append(f"  - and {len(groups) - SHOWN} more")
    return lines


def _augmentation(ledger):
    """How many copies training makes, which follow the split by construction."""
    if not ledger.copies:
        return "Augmented copies per training clip: 0"
    return (
        f"Augmented copies per training clip: {ledger.copies}, made after the split: "
        "each stays in train beside its clip"
    )


def _promises(checks):
    """PASS or FAIL for each promise, with its first objections."""
    lines = ["Promises"]
    for name, sentence, objections in checks:
        lines.append(f"  {'FAIL' if objections else 'PASS'}  {name:<21} {sentence}")
        lines += [f"        - {text}" for text in objections[:SHOWN]]
        if len(objections) > SHOWN:
            lines.append(f"        - and {len(objections) - SHOWN} more")
    return lines


def _table(title, columns, rows):
    """Lines of a table: labels to the left, numbers or what else fills the cells to the right."""
    cells = [columns, *(numbers for _, numbers in rows)]
    widths = [
        max(6, *(len(str(cell)) for cell in column)) + 2 for column in zip(*cells, strict=True)
    ]
    left = max(len(title), *(len(label) for label, _ in rows)) + 2
    cells = "".join(f"{c:>{w}}" for c, w in zip(columns, widths, strict=True))
    lines = [f"{title:<{left}}{cells}"]
    for label, numbers in rows:
        cells = "".join(f"{n:>{w}}" for n, w in zip(numbers, widths, strict=True))
        lines.append(f"{label:<{left}}{cells}")
    return lines


def _wrap(start, text):
    """``text`` after ``start``, later lines indented as far; names and addresses stay whole."""
    shape = {"break_on_hyphens": False, "break_long_words": False}
    indent = " " * len(start)
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=indent, **shape)

"""What all folds of a protocol share and hold on one manifest, as the figures of a table.

Speakers, statements, words, classes and genders need no sound and may be measured on a corpus's
official layout (:mod:`ser_lib.protocols.layouts`); identical and near-identical audio and labels
in conflict are about the sound.
"""

import re

from ser_lib.errors import ProtocolError
from ser_lib.protocols.cut import split
from ser_lib.protocols.sharing import alike, conflicts

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def cut_all(protocol, manifest, seed=0):
    """Ledgers of all folds that a manifest allows.

    Arguments
    ---------
    protocol : Protocol
    manifest : datasets.Dataset
    seed : int
        For protocols with one.

    Returns
    -------
    ledgers : list of Ledger
    refused : list of str
        Why the other folds cannot be cut, a broken promise among the reasons.
    """
    ledgers, refused = [], []
    for fold in range(1, protocol.folds + 1):
        try:
            ledgers.append(split(manifest, protocol.name, fold, seed))
        except ProtocolError as error:
            refused.append(str(error))
    return ledgers, refused


def words_said(manifest):
    """Clip id to the words of its transcript (set of str), in small letters; none where unknown."""
    if "transcript" not in manifest.column_names:
        return {}
    told = zip(manifest["id"][:], manifest["transcript"][:], strict=True)
    return {name: set(_WORD.findall((text or "").lower())) for name, text in told}


def layout_figures(ledgers, said):
    """What the names of the clips tell, over all folds of a protocol.

    Arguments
    ---------
    ledgers : list of Ledger
    said : dict
        As :func:`words_said` gives it.

    Returns
    -------
    dict
        ``test_speakers``, ``validation_speakers``, ``statements`` and ``words``: ``[known, all]``
        of the fold where most are known: how many of test are in train or validation too (of the
        second: how many of validation are in train). None where the corpus tells none.
        ``class_percent`` and ``women_percent``: ``[least, most]`` over the test sides of all
        folds, of the rarest and of the commonest class, and of clips by women. ``copies``: pairs
        of an augmented clip and its sibling on two sides, all folds together.
    """
    counts = [ledger.counts["test"] for ledger in ledgers]
    classes = sorted({name for ledger in ledgers for clip in [ledger.clips] for name in _of(clip)})
    share = [
        100 * held["emotion"].get(name, 0) / held["clips"] for held in counts for name in classes
    ]
    women = [100 * held["gender"].get("female", 0) / held["clips"] for held in counts]
    told = all("" not in held["gender"] for held in counts)
    return {
        "test_speakers": _worst(ledgers, lambda clip: {clip.speaker}),
        "validation_speakers": _worst(
            ledgers, lambda clip: {clip.speaker}, "validation", ["train"]
        ),
        "statements": _worst(ledgers, lambda clip: {clip.statement} - {""}),
        "words": _worst(ledgers, lambda clip: said.get(clip.id, set())),
        "class_percent": _range(share),
        "women_percent": _range(women) if told else None,
        "copies": _pairs(ledgers, "siblings"),
    }


def sound_figures(ledgers, near):
    """What only the samples tell, over all folds of a protocol.

    Arguments
    ---------
    ledgers : list of Ledger
    near : list of (str, str, float)
        Near-identical clips of the corpus (:func:`ser_lib.data.likeness.near_identical`).

    Returns
    -------
    dict
        ``identical`` and ``near_identical``: pairs of clips on two sides, exact copies and
        others, all folds together. ``conflicts``: groups of clips with the same samples under
        two or more emotions, in the fold with most.
    """
    found = (alike(ledger.sides, ledger.clips, near) for ledger in ledgers)
    return {
        "identical": _pairs(ledgers, "identical_audio"),
        "near_identical": sum(len(pairs) for sides in found for pairs in sides.values()),
        "conflicts": max(len(conflicts(ledger.sides, ledger.clips)) for ledger in ledgers),
    }


def _of(clips):
    """Emotions of a ledger's clips (set of str)."""
    return {clip.emotion for clip in clips.values()}


def _worst(ledgers, key, side="test", before=("train", "validation")):
    """``[known, all]`` of what ``key`` finds in a side, in the fold where most is known before."""
    found = []
    for ledger in ledgers:
        there = _all(ledger, [side], key)
        found.append([len(there & _all(ledger, before, key)), len(there)])
    known, every = max(found, key=lambda pair: (pair[0] / max(pair[1], 1), pair[1]))
    return [known, every] if every else None


def _all(ledger, sides, key):
    """Union of ``key(clip)`` over the clips of some sides."""
    return set().union(*(key(ledger.clips[name]) for side in sides for name in ledger.sides[side]))


def _pairs(ledgers, kind):
    """Pairs that sides share, counted over all folds (int)."""
    return sum(len(common[kind]) for ledger in ledgers for common in ledger.shared.values())


def _range(values):
    """Least and most, to a tenth."""
    return [round(min(values), 1), round(max(values), 1)]

"""What a protocol can promise about its split, each promise with the check that proves it.

A check gets the sides (side name to ids), the clips (id to Clip) and what is shared, computed
afresh by :func:`ser_lib.protocols.sharing.share`. It returns its objections, each a short phrase;
none means that the promise is kept. A protocol with a promise of its own adds it in its own
module with :func:`promise`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ser_lib.protocols.sharing import SIDES, speakers_heard_before_test


@dataclass(frozen=True)
class Promise:
    """A name, the sentence a reader sees, and ``check(sides, clips, shared) -> list of str``."""

    name: str
    sentence: str
    check: Callable


PROMISES = {}


def promise(name, sentence):
    """Decorator that makes a check known as the promise ``name``; ValueError if it is taken."""

    def decorate(check):
        if name in PROMISES:
            raise ValueError(f"there is a promise {name!r} already")
        PROMISES[name] = Promise(name, sentence, check)
        return check

    return decorate


@promise("clip-once", "Every clip is on one side, once.")
def _clip_once(sides, clips, shared):
    objections = [
        f"clip {clip} is on both sides of {pair}"
        for pair, common in shared.items()
        for clip in common["clips"]
    ]
    for side in SIDES:
        twice = sorted(name for name, times in Counter(sides[side]).items() if times > 1)
        objections += [f"clip {name} is in {side} more than once" for name in twice]
    return objections


@promise("copies-with-clip", "Augmented copies are on the side of the clip they were made from.")
def _copies_with_clip(sides, clips, shared):
    return _pair_objections(shared, "siblings", "come from one clip")


@promise("speakers-disjoint", "No speaker is on two sides.")
def _speakers_disjoint(sides, clips, shared):
    return [
        f"speaker {speaker} is on both sides of {pair}"
        for pair, common in shared.items()
        for speaker in common["speakers"]
    ]


@promise("test-speakers-unseen", "No test speaker is in train or validation.")
def _test_speakers_unseen(sides, clips, shared):
    return [
        f"test speaker {speaker} is also in train or validation"
        for speaker in speakers_heard_before_test(sides, clips)
    ]


@promise("no-identical-audio", "No two sides hold the same samples (by SHA-256).")
def _no_identical_audio(sides, clips, shared):
    return _pair_objections(shared, "identical_audio", "hold the same samples")


def _pair_objections(shared, kind, what):
    """One objection a pair of ids that two sides share in the sense of ``kind``."""
    return [
        f"{first} and {second} {what} on two sides ({pair})"
        for pair, common in shared.items()
        for first, second in common[kind]
    ]

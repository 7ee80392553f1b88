"""Speakers named for test and for validation in each fold; everybody else trains."""

from dataclasses import dataclass

from ser_lib.protocols.registry import Protocol
from ser_lib.protocols.speakers import by_speaker, refuse_strangers, refuse_untested


@dataclass(frozen=True, kw_only=True)
class NamedSpeakers(Protocol):
    """Fold ``k`` tests and validates the ``k``-th lists of speakers, the others of them train.

    Arguments
    ---------
    speakers : tuple of str
        All speakers of the corpus.
    test_speakers, validation_speakers : tuple of tuples of str
        One tuple of speakers a fold.
    """

    speakers: tuple
    test_speakers: tuple
    validation_speakers: tuple

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        there = {clip.speaker for clip in clips}
        refuse_strangers(self.name, there, self.speakers)
        tested = self.test_speakers[fold - 1]
        refuse_untested(self.name, fold, tested, there)
        return by_speaker(clips, tested, self.validation_speakers[fold - 1])

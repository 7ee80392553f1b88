"""One speaker tests, the others train, and whole words of theirs are kept for validation."""

from dataclasses import dataclass

from ser_lib.errors import ProtocolError
from ser_lib.protocols.promises import promise
from ser_lib.protocols.registry import Protocol
from ser_lib.protocols.speakers import refuse_strangers, refuse_untested


@promise("validation-words-new", "No word (statement) of validation is in train.")
def _validation_words_new(sides, clips, shared):
    words = shared["train-validation"]["statements"]
    return [f"{word!r} is said in train and in validation" for word in words]


@dataclass(frozen=True, kw_only=True)
class WordHoldout(Protocol):
    """Fold ``k`` tests the ``k``-th speaker; of the words of the others every ``every``-th, in
    alphabetical order and from the first on, validates, and the rest train.

    For corpora of two speakers, where nobody is left to validate.

    Arguments
    ---------
    test_speakers : tuple of str
        One speaker a fold, all of the corpus.
    every : int
        Distance of the validation words.
    """

    test_speakers: tuple
    every: int

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        there = {clip.speaker for clip in clips}
        refuse_strangers(self.name, there, self.test_speakers)
        tested = self.test_speakers[fold - 1]
        refuse_untested(self.name, fold, {tested}, there)
        inner = [clip for clip in clips if clip.speaker != tested]
        silent = [clip.id for clip in inner if not clip.statement]
        if silent:
            raise ProtocolError(
                f"{self.name} needs the word of every clip, but the manifest tells none for "
                f"{silent[0]}; prepare the corpus again"
            )
        kept = set(sorted({clip.statement for clip in inner})[:: self.every])
        train = [clip.id for clip in inner if clip.statement not in kept]
        validation = [clip.id for clip in inner if clip.statement in kept]
        return train, validation, [clip.id for clip in clips if clip.speaker == tested]

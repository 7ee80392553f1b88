"""Speaker-disjoint folds from published lists of test speakers, validation by speaker too."""

from dataclasses import dataclass

from ser_lib.errors import ProtocolError
from ser_lib.protocols.registry import Protocol, register
from ser_lib.protocols.speakers import (
    by_speaker,
    gender_by_speaker,
    half_a_turn_on,
    refuse_strangers,
    refuse_untested,
)

GENDERS = ("female", "male")
_ONE = {"female": "woman", "male": "man"}
_MANY = {"female": "women", "male": "men"}


@dataclass(frozen=True, kw_only=True)
class SpeakerFolds(Protocol):
    """Fold ``k`` tests the ``k``-th list of speakers, a few others validate, the rest train.

    Validation: the men and the women each stand in a circle, in the order of their test folds,
    and fold ``k`` takes those who stand half a turn on from its own place, skipping whoever it
    tests. It takes ``validation_each`` of each gender, one of each where fewer than
    ``enough_speakers`` remain to train on. So the choice depends on the protocol, the fold and the
    speakers there are, never on a training seed, and over the six folds of the whole of RAVDESS
    every actor validates exactly once.

    Arguments
    ---------
    test_speakers : tuple of tuples of str
        One tuple of speakers a fold.
    validation_each : int
        Validation speakers of each gender.
    enough_speakers : int
        Non-test speakers from which on ``validation_each`` are taken.
    validation_genders : tuple of str
        Genders that validate; one alone where a corpus has only that one.
    """

    test_speakers: tuple
    validation_each: int = 2
    enough_speakers: int = 12
    validation_genders: tuple = GENDERS

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        genders = self.listed(clips)
        tested = set(self.test_speakers[fold - 1])
        refuse_untested(self.name, fold, tested, genders)
        self._check_genders(genders, tested, fold)
        return by_speaker(clips, tested, self.validating(genders, tested, fold, self.folds))

    def listed(self, clips):
        """Speaker to gender, in the order of the folds; ProtocolError for a stranger."""
        told = gender_by_speaker(clips)
        listed = [speaker for fold in self.test_speakers for speaker in fold]
        refuse_strangers(self.name, told, listed)
        return {speaker: told[speaker] for speaker in listed if speaker in told}

    def validating(self, genders, tested, fold, folds):
        """The set of validation speakers, as many of each gender as of the rarest.

        Arguments
        ---------
        genders : dict
            Speaker to gender, in the order of the folds, see :meth:`listed`.
        tested : set of str
            Who tests, and so cannot validate.
        fold, folds : int
            Place on the circle, from 1, and places that a turn has.
        """
        free = self._free(genders, tested)
        enough = len(set(genders) - tested) >= self.enough_speakers
        each = min(self.validation_each if enough else 1, *map(len, free.values()))
        chosen = set()
        for gender in self.validation_genders:
            circle = [speaker for speaker in genders if genders[speaker] == gender]
            turned = half_a_turn_on(circle, fold, folds)
            chosen.update([speaker for speaker in turned if speaker not in tested][:each])
        return chosen

    def _free(self, genders, tested):
        """Who is left to validate: gender to list of speakers."""
        return {
            gender: [s for s in genders if genders[s] == gender and s not in tested]
            for gender in self.validation_genders
        }

    def _check_genders(self, genders, tested, fold):
        """Raise ProtocolError unless somebody of each gender is left to validate."""
        left = {gender: len(names) for gender, names in self._free(genders, tested).items()}
        if all(left.values()):
            return
        need = " and ".join(f"a {_ONE[gender]}" for gender in self.validation_genders)
        have = " and ".join(f"{left[gender]} {_MANY[gender]}" for gender in self.validation_genders)
        raise ProtocolError(
            f"fold {fold} of {self.name} needs {need} besides its test speakers to validate on, "
            f"but this corpus leaves {have}; add "
            + ("actors of both genders" if len(left) > 1 else "speakers")
        )


register(
    SpeakerFolds(
        name="ravdess-si6",
        corpus="RAVDESS",
        folds=6,
        short="4 actors test, 4 others validate",
        credit="EmoBox's fold lists",
        describe="Six speaker-disjoint folds of four test actors (EmoBox's lists); two men and "
        "two women of the other twenty validate.",
        source="Test actors: EmoBox (Ma et al., Interspeech 2024), RAVDESS fold files of "
        "github.com/emo-box/EmoBox; the validation actors are our choice, EmoBox draws clips.",
        notes=(
            "The lists are skewed by gender: fold 2 tests four women; folds 1, 3 and 4 three men "
            "and one woman; fold 5 one man and three women; only fold 6 two and two. Read one "
            "fold's number with that in mind, or report all six.",
            "Both RAVDESS sentences are on every side: the split is speaker-independent, "
            "not text-independent.",
        ),
        promises=("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip"),
        test_speakers=(
            ("01", "11", "20", "21"),
            ("04", "10", "12", "14"),
            ("08", "09", "19", "23"),
            ("03", "05", "07", "24"),
            ("02", "15", "16", "18"),
            ("06", "13", "17", "22"),
        ),
    )
)

"""Speaker-disjoint folds from published lists of test speakers, validation by speaker too."""

from dataclasses import dataclass

from ser_lib.errors import ProtocolError
from ser_lib.protocols.registry import Protocol, register

GENDERS = ("female", "male")


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
    """

    test_speakers: tuple
    validation_each: int = 2
    enough_speakers: int = 12

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        genders = self._genders(clips)
        tested = set(self.test_speakers[fold - 1])
        if not tested & set(genders):
            raise ProtocolError(
                f"fold {fold} of {self.name} has no test clips: none of its test speakers "
                f"{' '.join(sorted(tested))} is in this corpus; choose another fold or add them"
            )
        validating = self._validation(genders, tested, fold)
        train, validation, test = [], [], []
        for clip in clips:
            if clip.speaker in tested:
                test.append(clip.id)
            elif clip.speaker in validating:
                validation.append(clip.id)
            else:
                train.append(clip.id)
        return train, validation, test

    def _genders(self, clips):
        """Speaker to gender, in the order of the folds; ProtocolError for a stranger."""
        told = {}
        for clip in clips:
            if told.setdefault(clip.speaker, clip.gender) != clip.gender:
                raise ProtocolError(
                    f"speaker {clip.speaker} has two genders in the manifest (see clip {clip.id}); "
                    "correct it and prepare the corpus again"
                )
        listed = [speaker for fold in self.test_speakers for speaker in fold]
        strangers = sorted(set(told) - set(listed))
        if strangers:
            raise ProtocolError(
                f"{self.name} has no fold for speaker {' '.join(strangers)}; "
                "remove those clips or use another protocol"
            )
        return {speaker: told[speaker] for speaker in listed if speaker in told}

    def _validation(self, genders, tested, fold):
        """The set of validation speakers of one fold, as many of each gender."""
        chosen = set()
        others = [speaker for speaker in genders if speaker not in tested]
        free = {g: sum(genders[speaker] == g for speaker in others) for g in GENDERS}
        each = self.validation_each if len(others) >= self.enough_speakers else 1
        each = min(each, *free.values())
        if each == 0:
            raise ProtocolError(
                f"fold {fold} of {self.name} needs a woman and a man besides its test speakers to "
                f"validate on, but this corpus leaves {free['female']} women and {free['male']} "
                "men; add actors of both genders"
            )
        for gender in GENDERS:
            circle = [speaker for speaker in genders if genders[speaker] == gender]
            # In halves of a fold, so that no rounding comes in: half a turn is `folds` of them.
            start = len(circle) * (2 * (fold - 1) + self.folds) // (2 * self.folds)
            turned = circle[start % len(circle) :] + circle[: start % len(circle)]
            chosen.update([speaker for speaker in turned if speaker not in tested][:each])
        return chosen


register(
    SpeakerFolds(
        name="ravdess-si6",
        corpus="RAVDESS",
        folds=6,
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

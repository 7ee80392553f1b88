"""RAVDESS: two more speaker-disjoint splits from the literature, and Issa's random folds.

``ravdess-si6``, ``ravdess-random``, ``ravdess-19-5`` and ``ravdess-19-source`` stand beside the
rules they introduced.
"""

from ser_lib.protocols.named_speakers import NamedSpeakers
from ser_lib.protocols.random_folds import RandomFolds
from ser_lib.protocols.registry import register
from ser_lib.protocols.speaker_folds import SpeakerFolds

TWO_SENTENCES = (
    "Both RAVDESS sentences are on every side: the split is speaker-independent, "
    "not text-independent."
)
DISJOINT = ("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip")
ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))
FIVE = tuple(
    tuple(fold.split())
    for fold in (
        "02 05 14 15 16",
        "03 06 07 13 18",
        "10 11 12 19 20",
        "08 17 21 23 24",
        "01 04 09 22",
    )
)

register(
    SpeakerFolds(
        name="ravdess-si5",
        corpus="RAVDESS",
        folds=5,
        short="5 actors test (4 in fold 5), 4 others validate",
        credit="Luna-Jiménez et al. 2021",
        describe="Five speaker-disjoint folds of five test actors, four in the last "
        "(Luna-Jiménez's lists); two men and two women of the others validate.",
        source="Test actors: Luna-Jiménez et al., Applied Sciences 12(1):327 (2021), README of "
        "github.com/cristinalunaj/MMEmotionRecognition; its folds validate and test "
        "at once, so the validation actors are our choice.",
        notes=(
            "Folds 1 and 3 test three women and two men, folds 2 and 4 two women and three men, "
            "fold 5 two and two.",
            TWO_SENTENCES,
        ),
        promises=DISJOINT,
        test_speakers=FIVE,
    )
)

register(
    NamedSpeakers(
        name="ravdess-16-4-4",
        corpus="RAVDESS",
        short="actors 21-24 test, 16 17 19 20 validate",
        credit="nkululeko",
        describe="Actors 21 to 24 test, actors 16, 17, 19 and 20 validate, the other sixteen "
        "train; every side has as many women as men.",
        source="Lists of github.com/felixbur/nkululeko, data/ravdess (train, dev and test files).",
        notes=("One test set of four actors: its number is rough.", TWO_SENTENCES),
        promises=DISJOINT,
        speakers=ACTORS,
        test_speakers=(("21", "22", "23", "24"),),
        validation_speakers=(("16", "17", "19", "20"),),
    )
)

register(
    RandomFolds(
        name="ravdess-random5",
        corpus="RAVDESS",
        folds=5,
        short="random fifth of all clips tests, an eighth of the rest validates",
        credit="Issa et al. 2020",
        describe="Five random folds over all clips, neither by class nor by actor; an eighth of "
        "the clips that do not test validates.",
        source="What re-implementers of Issa, Demirci and Yazici (BSPC 59:101894, 2020) use; one, "
        "with a front end of its own, comes near the paper's 71.61 on such folds (70.63 +- 2.43); "
        "the paper's text could not be had, and the validation part is our choice.",
        notes=(
            "Not speaker-independent: every actor is on every side, and a clip's other take is "
            "mostly in train. Report it beside ravdess-si6, never instead.",
            "The folds of one seed test every clip once; two seeds are two sets of folds.",
        ),
        promises=("clip-once", "copies-with-clip"),
    )
)

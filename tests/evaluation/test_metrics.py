import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from ser_lib.evaluation.metrics import (
    MacroF1,
    PerClass,
    UnweightedAccuracy,
    WeightedAccuracy,
)

CASES = [(n, k, seed) for seed, (n, k) in enumerate([(1, 2), (3, 8), (20, 3), (50, 8), (400, 11)])]


def draw(n, k, seed, absent=False):
    """References and predictions; with ``absent``, classes 0 of the truth and k-1 of guesses."""
    rng = np.random.default_rng(seed)
    references = rng.integers(1 if absent else 0, k, n)
    predictions = rng.integers(0, k - 1 if absent else k, n)
    return predictions.tolist(), references.tolist()


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", category=UserWarning)
        warnings.simplefilter("error", category=RuntimeWarning)
        yield


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize(("n", "k", "seed"), CASES)
def test_scores_agree_with_scikit_learn(n, k, seed, absent):
    predictions, references = draw(n, k, seed, absent)
    given = {"predictions": predictions, "references": references}
    recalls = [
        np.mean([p == r for p, r in zip(predictions, references, strict=True) if r == label])
        for label in set(references)
    ]
    ua = UnweightedAccuracy().compute(**given)["unweighted_accuracy"]
    assert ua == pytest.approx(np.mean(recalls))
    wa = WeightedAccuracy().compute(**given)["weighted_accuracy"]
    assert wa == pytest.approx(sk.accuracy_score(references, predictions))
    f1 = sk.f1_score(references, predictions, average="macro", zero_division=0)
    assert MacroF1().compute(**given)["macro_f1"] == pytest.approx(f1)
    scores = PerClass().compute(**given, labels=range(k))
    expected = sk.precision_recall_fscore_support(
        references, predictions, labels=range(k), zero_division=np.nan
    )
    for name, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(scores[name], column)


def test_ua_leaves_a_class_without_clips_out_of_the_mean():
    given = {"predictions": [0, 2, 1], "references": [0, 0, 1]}
    assert UnweightedAccuracy().compute(**given) == {"unweighted_accuracy": 0.75}
    assert UnweightedAccuracy().compute(**given, labels=[0, 2])["unweighted_accuracy"] == 0.5
    assert WeightedAccuracy().compute(**given, labels=[1])["weighted_accuracy"] == 1.0
    # Class 2 was predicted, so it counts for F1, with 0.
    assert MacroF1().compute(**given)["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert MacroF1().compute(**given, labels=[0, 1])["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


def test_undefined_scores_are_nan_and_not_zero():
    scores = PerClass().compute(predictions=[0, 0], references=[0, 1], labels=[0, 1, 2])
    assert math.isnan(scores["precision"][1]) and math.isnan(scores["recall"][2])
    assert scores["recall"][1] == 0 and scores["f1"][1] == 0 and math.isnan(scores["f1"][2])


def test_batches_add_up():
    predictions, references = draw(30, 4, 7)
    metric = UnweightedAccuracy()
    for i in range(0, 30, 10):
        batch = slice(i, i + 10)
        metric.add_batch(predictions=predictions[batch], references=np.array(references)[batch])
    whole = UnweightedAccuracy().compute(predictions=predictions, references=references)
    assert metric.compute() == whole
    for prediction, reference in zip(predictions, references, strict=True):
        metric.add(prediction=prediction, reference=reference)
    assert metric.compute() == whole
    with pytest.raises(ValueError, match="integer class id"):
        metric.add(prediction=0.9, reference=0)
    with pytest.raises(ValueError, match="there are no clips"):
        UnweightedAccuracy().compute()


@pytest.mark.parametrize(
    ("predictions", "references", "labels", "words"),
    [
        ([], [], None, "no clips"),
        ([0.9, 0.1], [1, 0], None, "integer class id"),
        (["sad"], ["sad"], None, "integer class id"),
        ([[0, 1]], [[0, 1]], None, "integer class id"),
        ([0], [0, 1], None, "Mismatch"),
        ([0, 1], [0, 1], [5], "none of labels"),
    ],
)
def test_bad_inputs_are_refused(predictions, references, labels, words):
    with pytest.raises(ValueError, match=words):
        UnweightedAccuracy().compute(predictions=predictions, references=references, labels=labels)


def test_metrics_work_offline_and_leave_no_file(tmp_path):
    code = (
        "from ser_lib.evaluation import metrics as m\n"
        "for kind in (m.UnweightedAccuracy, m.WeightedAccuracy, m.MacroF1):\n"
        "    print(kind().name, *kind().compute(predictions=[0, 1], references=[0, 1]))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    offline = {"HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **offline, "HOME": str(home), "HF_HOME": str(home / "hf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    names = ["unweighted_accuracy", "weighted_accuracy", "macro_f1"]
    assert found.stdout.split() == [name for name in names for _ in range(2)]
    assert not list(home.rglob("*.arrow*")) and not list(home.rglob("metrics"))

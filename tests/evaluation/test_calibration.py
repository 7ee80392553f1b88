"""Calibration: errors against other libraries, the temperature, risk and coverage."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss

from ser_lib.evaluation import calibration as room
from ser_lib.evaluation.calibration import calibration, fit_temperature, heated


def answers(clips=4_000, sure=1.0, seed=0):
    """Logits whose labels follow softmax(logits / sure), and those labels."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.standard_normal((clips, 5))
    shares = softmax(logits / sure, axis=1).cumsum(axis=1)
    return logits, (rng.random((clips, 1)) > shares).sum(axis=1)


@pytest.mark.parametrize("sure", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(sure):
    logits, labels = answers(sure=sure)
    assert fit_temperature(logits, labels) == pytest.approx(sure, rel=0.1)


def test_no_other_temperature_makes_the_labels_likelier():
    logits, labels = answers(300, sure=2.0)
    best = fit_temperature(logits, labels)
    losses = [log_loss(labels, softmax(logits / t, axis=1)) for t in (best, 0.9 * best, 1.1 * best)]
    assert losses[0] < min(losses[1:])


def test_temperatures_stay_within_reason():
    logits, labels = answers(50)
    assert 0.1 <= fit_temperature(logits, logits.argmax(axis=1)) < 0.11
    assert 9 < fit_temperature(logits, logits.argmin(axis=1)) <= 10
    assert fit_temperature(np.zeros((0, 5)), np.zeros(0, dtype=int)) == 1.0


def test_heating_is_dividing_logits():
    logits, _ = answers(20)
    warm = softmax(logits / 1.7, axis=1)
    np.testing.assert_allclose(heated(softmax(logits, axis=1), 1.7), warm, atol=1e-12)
    np.testing.assert_allclose(heated(warm, 1 / 1.7), softmax(logits, axis=1), atol=1e-12)


def test_a_class_without_probability_stays_without():
    cold = heated(np.array([[0.9, 0.1, 0.0]]), 0.1)
    assert cold[0, 2] == 0.0 and cold.sum() == pytest.approx(1.0)


def test_brier_is_scikit_learns():
    from sklearn.metrics import brier_score_loss

    logits, labels = answers(200)
    probabilities = softmax(logits, axis=1)
    truth = np.eye(5)[labels]
    by_class = [brier_score_loss(truth[:, k], probabilities[:, k]) for k in range(5)]
    assert room.brier(probabilities, labels) == pytest.approx(sum(by_class))


def test_the_calibration_error_is_that_of_the_bins_by_hand():
    confidence = np.array([0.91, 0.95, 0.52, 0.55, 0.58])
    right = np.array([True, False, True, True, False])
    # Bins of a fifteenth: {0.91}, {0.95}, {0.52}, {0.55, 0.58}.
    gaps = [abs(0.91 - 1), abs(0.95 - 0), abs(0.52 - 1), 2 * abs(0.565 - 0.5)]
    assert room.expected_error(confidence, right) == pytest.approx(sum(gaps) / 5)


def test_one_that_is_as_sure_as_right_has_little_error():
    logits, labels = answers(20_000)
    probabilities = softmax(logits, axis=1)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert room.expected_error(confidence, right) < 0.02
    assert room.expected_error(np.ones(len(right)), right) == pytest.approx(1 - right.mean())


def test_the_surest_clips_are_answered_first():
    confidence = np.array([0.9, 0.5, 0.7, 0.7])
    right = np.array([True, False, True, False])
    found = room.risk_coverage(confidence, right, steps=4)
    # The two of 0.7 come together.
    assert found == [
        {"coverage": 0.25, "risk": 0.0},
        {"coverage": 0.75, "risk": pytest.approx(1 / 3)},
        {"coverage": 1.0, "risk": 0.5},
    ]


def test_of_a_table_before_and_after(predictions, classes):
    table = predictions()
    found = calibration(table, classes, temperature=2.0)
    logits = np.log(table[[f"p_{c}" for c in classes]].to_numpy())
    labels = np.array([classes.index(name) for name in table["emotion"]])
    assert found["brier"] == pytest.approx(room.brier(np.exp(logits), labels))
    before = np.exp(log_softmax(2 * logits, axis=1))
    assert found["brier_before"] == pytest.approx(room.brier(before, labels))
    assert found["ece_before"] != found["ece"]
    assert sum(row["clips"] for row in found["reliability"]) == len(table)
    wrong = 1 - table["correct"].mean()
    assert found["risk_coverage"][-1] == {"coverage": 1.0, "risk": pytest.approx(wrong)}


def test_without_a_known_temperature_there_is_no_before(predictions, classes):
    found = calibration(predictions(), classes, None)
    assert found["ece_before"] is None and found["brier_before"] is None
    assert found["ece"] > 0

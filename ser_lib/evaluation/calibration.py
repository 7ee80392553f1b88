"""Whether probabilities mean what they say, and the one number that brings them nearer to it.

Temperature scaling divides logits by one number, fitted on validation: C. Guo et al. (2017), On
calibration of modern neural networks, arXiv:1706.04599, whose expected calibration error (ECE) is
used here, with 15 bins of equal width. The Brier score is that of G. Brier (1950), the squared
distance from the truth summed over the classes. Risk and coverage after R. El-Yaniv and Y. Wiener
(2010), On the foundations of noise-free selective classification.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

BINS = 15
# Beyond these validation is too small or too well known to tell.
_COLDEST, _HOTTEST = 0.1, 10.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature under which labels are likeliest.

    Arguments
    ---------
    logits : np.ndarray
        ``(clips, classes)``, of clips that trained nothing.
    labels : np.ndarray
        ``(clips,)``, indices of the true classes.

    Returns
    -------
    float
        Between 0.1 and 10; 1 leaves probabilities as they are, more makes them less sure. 1 too
        where there is no clip.
    """
    if len(labels) == 0:
        return 1.0
    logits, rows = np.asarray(logits, dtype=np.float64), np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean()

    found = minimize_scalar(loss, bounds=np.log([_COLDEST, _HOTTEST]), method="bounded")
    return float(np.exp(found.x))


def heated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities ``(clips, classes)`` as if their logits had been divided by a temperature."""
    # A class that training lacked has probability 0 at every temperature.
    with np.errstate(divide="ignore"):
        scaled = np.log(probabilities) / temperature
    return np.exp(log_softmax(scaled, axis=1))


def calibration(frame: pd.DataFrame, classes: Sequence[str], temperature: float | None) -> dict:
    """How far the probabilities of a table of predictions can be believed.

    Arguments
    ---------
    frame : pd.DataFrame
        Predictions, one row a test clip.
    classes : sequence of str
        Label names, in the model's order.
    temperature : float or None
        The one that is in the probabilities; None where there are several (over folds).

    Returns
    -------
    dict
        ``temperature``; ``ece`` and ``brier`` of the probabilities as they are and, where the
        temperature is known, ``ece_before`` and ``brier_before`` of those without it (else None);
        ``reliability``, a list of bins that hold clips (``low``, ``high``, ``clips``, mean
        ``confidence``, ``accuracy``); ``risk_coverage``, a list of ``coverage`` (share of clips
        answered, the surest first) and ``risk`` (share of errors among them). All are fractions.
    """
    probabilities = frame[[f"p_{name}" for name in classes]].to_numpy(dtype=np.float64)
    labels = np.array([classes.index(name) for name in frame["emotion"]])
    confidence, right = _answers(probabilities, labels)
    before = None if temperature is None else heated(probabilities, 1 / temperature)
    return {
        "temperature": temperature,
        "ece": expected_error(confidence, right),
        "brier": brier(probabilities, labels),
        "ece_before": None if before is None else expected_error(*_answers(before, labels)),
        "brier_before": None if before is None else brier(before, labels),
        "reliability": reliability(confidence, right),
        "risk_coverage": risk_coverage(confidence, right),
    }


def brier(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Brier score of ``(clips, classes)`` under true ``labels`` ``(clips,)``, from 0 to 2."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def expected_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """ECE: distance of confidence ``(clips,)`` from being ``right`` ``(clips,)``, over the bins."""
    gaps = [
        row["clips"] * abs(row["confidence"] - row["accuracy"])
        for row in reliability(confidence, right)
    ]
    return float(sum(gaps) / len(confidence))


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict]:
    """Bins of equal width with their clips, mean confidence and accuracy; empty ones left out."""
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "low": place / BINS,
            "high": (place + 1) / BINS,
            "clips": int(inside.sum()),
            "confidence": float(confidence[inside].mean()),
            "accuracy": float(right[inside].mean()),
        }
        for place in range(BINS)
        if (inside := places == place).any()
    ]


def risk_coverage(confidence: np.ndarray, right: np.ndarray, steps: int = 20) -> list[dict]:
    """Share of errors among the surest clips, at ``steps`` shares of clips answered.

    Clips of the same confidence are answered together or not at all.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, errors = confidence[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    wanted = np.unique(np.ceil(np.linspace(1 / steps, 1, steps) * len(ranked)).astype(int)) - 1
    ends = np.unique(last[np.searchsorted(last, wanted)])
    return [
        {"coverage": float((end + 1) / len(ranked)), "risk": float(errors[end] / (end + 1))}
        for end in ends
    ]


def _answers(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels

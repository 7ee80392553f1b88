"""How well the corpus of a clip can be read off what a system says about its emotion.

Trained on several corpora at once, a system can score well by recognising the corpus, its rooms and
its actors' manners, instead of the emotion. A linear probe from the logarithms of the class
probabilities to the corpus tells how much of that is left in its answers. Corpora differ in their
classes too, so the same probe on the true labels alone is what an honest system cannot avoid.

Source: the linear probes of G. Alain and Y. Bengio (2017), Understanding intermediate layers using
linear classifier probes, arXiv:1610.01644.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

_FOLDS = 5
# Of fewer clips a corpus, five folds say nothing.
_CLIPS = 20
_LEAST = 1e-6


def corpus_probe(frame: pd.DataFrame, classes: Sequence[str]) -> dict | None:
    """Balanced accuracy of a logistic regression that guesses the corpus, cross-validated.

    Arguments
    ---------
    frame : pd.DataFrame
        Predictions, one row a test clip (see `ser_lib.evaluation.predictions`).
    classes : sequence of str
        Label names, in the model's order.

    Returns
    -------
    dict or None
        ``from_answers`` and ``from_labels`` (balanced accuracy over five folds of the clips,
        fractions), ``chance`` and ``corpora`` (list of str). None for a single corpus, or where one
        has fewer than 20 clips.
    """
    corpora = frame["corpus"].to_numpy()
    names, counts = np.unique(corpora, return_counts=True)
    if len(names) < 2 or counts.min() < _CLIPS:
        return None
    answers = np.log(frame[[f"p_{name}" for name in classes]].to_numpy().clip(min=_LEAST))
    labels = (frame["emotion"].to_numpy()[:, None] == np.array(classes)).astype(float)
    return {
        "from_answers": _guessed(answers, corpora),
        "from_labels": _guessed(labels, corpora),
        "chance": 1 / len(names),
        "corpora": names.tolist(),
    }


def _guessed(features, corpora):
    # Only merged corpora need scikit-learn's estimators, which take a second to import.
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
    )
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    scores = cross_val_score(probe, features, corpora, cv=folds, scoring="balanced_accuracy")
    return float(scores.mean())

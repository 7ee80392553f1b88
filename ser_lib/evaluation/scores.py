"""UA, WA, macro-F1 and per-class scores of one table of predictions or one pair of id vectors.

The numbers are those of `ser_lib.evaluation.metrics`, to the bit, without what `evaluate` and
scikit-learn take to import: what is undefined is NaN, and no mean counts it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser_lib.evaluation.confusion import confusion_matrix, count_pairs


def summary(frame: pd.DataFrame, classes: Sequence[str]) -> dict:
    """All scores of one table of predictions.

    Arguments
    ---------
    frame : pd.DataFrame
        One row a clip, with columns ``emotion`` and ``predicted``.
    classes : sequence of str
        Label names, in the model's order.

    Returns
    -------
    dict
        ``clips``; ``ua``, ``wa`` and ``macro_f1`` as fractions; ``per_class`` (by name:
        precision, recall, f1, support); ``confusion`` (``classes`` and ``counts``, true classes
        in rows).

    Raises
    ------
    RunError
        No clips, or a label that is not among the classes.
    """
    classes = list(classes)
    matrix = confusion_matrix(frame["emotion"], frame["predicted"], classes)
    hits, support, answers = _sums(matrix)
    columns = {
        "precision": _shares(hits, answers),
        "recall": _shares(hits, support),
        "f1": _shares(2 * hits, support + answers),
        "support": support,
    }
    scores = {key: column.tolist() for key, column in columns.items()}
    return {
        "clips": len(frame),
        **ua_and_wa(matrix),
        "macro_f1": _mean_share(2 * hits, support + answers),
        "per_class": {
            name: {key: column[i] for key, column in scores.items()}
            for i, name in enumerate(classes)
        },
        "confusion": {"classes": classes, "counts": matrix.tolist()},
    }


def score_ids(predictions, references) -> dict[str, float]:
    """UA and WA of class ids.

    Arguments
    ---------
    predictions, references : array of int
        Predicted and true class ids from 0, shape (clips,); tensors of the CPU will do.

    Returns
    -------
    dict
        ``ua``, the mean recall over the classes that occur in the references, and ``wa``, the
        share of clips that are right.

    Raises
    ------
    ValueError
        No clips, or not one integer id a clip in both.
    """
    predictions, references = np.asarray(predictions), np.asarray(references)
    for name, ids in (("predictions", predictions), ("references", references)):
        if ids.ndim != 1 or ids.dtype.kind not in "iu" or len(ids) != len(references):
            raise ValueError(f"{name}: one integer class id a clip, not {ids.dtype} {ids.shape}")
    if not len(references):
        raise ValueError("nothing to score: there are no clips")
    n_classes = 1 + max(predictions.max(), references.max())
    return ua_and_wa(count_pairs(references, predictions, n_classes))


def ua_and_wa(matrix: np.ndarray) -> dict[str, float]:
    """``ua`` and ``wa`` of one confusion matrix, shape (classes, classes), with clips in it."""
    hits, support, _ = _sums(matrix)
    return {"ua": _mean_share(hits, support), "wa": float(hits.sum() / matrix.sum())}


def _sums(matrix):
    """Right answers, clips and answers of each class."""
    return matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)


def _shares(above, below):
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


def _mean_share(above, below):
    # Without the classes that are not there, rather than as zeros among the others: how many
    # numbers a sum has decides in which order NumPy adds them.
    there = below > 0
    return float((above[there] / below[there]).mean())

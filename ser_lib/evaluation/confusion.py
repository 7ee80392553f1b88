"""Confusion matrices, and the three scores as functions of them.

A matrix has one row a true class and one column a predicted class, in the order of ``classes``.
The score functions take stacks, ``(..., classes, classes)``, so that a bootstrap scores a
thousand resamples in one call. They agree with scikit-learn on every single matrix; the tests
check it.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ser_lib.errors import RunError


def confusion_matrix(references: Sequence, predictions: Sequence, classes: Sequence) -> np.ndarray:
    """Counts clips by true and predicted class.

    Arguments
    ---------
    references, predictions : sequence
        True and predicted labels, one a clip, of the same kind as ``classes``.
    classes : sequence
        All labels, in the order of rows and columns.

    Returns
    -------
    np.ndarray
        Shape (classes, classes), int64.

    Raises
    ------
    RunError
        No clips, lengths that differ, or a label that is not among the classes.
    """
    references, predictions, classes = list(references), list(predictions), list(classes)
    if not references or len(references) != len(predictions):
        raise RunError(
            f"predictions: {len(references)} true labels beside {len(predictions)} predicted ones; "
            "give one of each for at least one clip"
        )
    strangers = sorted({str(label) for label in {*references, *predictions} - set(classes)})
    if strangers:
        raise RunError(
            f"predictions: label {strangers[0]!r} is not among the model's classes "
            f"({', '.join(map(str, classes))}); use the label names of the model's config"
        )
    places = {label: place for place, label in enumerate(classes)}
    rows, columns = ([places[label] for label in ids] for ids in (references, predictions))
    return count_pairs(rows, columns, len(classes))


def count_pairs(rows: Sequence[int], columns: Sequence[int], n: int) -> np.ndarray:
    """How often each pair of ids below ``n`` occurs, shape (n, n), int64."""
    pairs = np.asarray(rows, dtype=np.int64) * n + np.asarray(columns, dtype=np.int64)
    return np.bincount(pairs, minlength=n * n).reshape(n, n)


def unweighted_accuracy(matrix: np.ndarray) -> np.ndarray:
    """UA: mean recall over the classes that have clips. ``(..., c, c)`` to ``(...,)``."""
    return _mean_ratio(_hits(matrix), matrix.sum(-1))


def weighted_accuracy(matrix: np.ndarray) -> np.ndarray:
    """WA: share of the clips that are right. ``(..., c, c)`` to ``(...,)``."""
    return _hits(matrix).sum(-1) / matrix.sum((-1, -2))


def macro_f1(matrix: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur, true or predicted. ``(..., c, c)`` to ``(...,)``."""
    return _mean_ratio(2 * _hits(matrix), matrix.sum(-1) + matrix.sum(-2))


def recalls(matrix: np.ndarray) -> np.ndarray:
    """Recall of each class, NaN for a class without clips. ``(..., c, c)`` to ``(..., c)``."""
    return _ratio(_hits(matrix), matrix.sum(-1))


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ua": unweighted_accuracy,
    "wa": weighted_accuracy,
    "macro_f1": macro_f1,
}


def _hits(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


def _mean_ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.nansum(_ratio(above, below), -1) / (below > 0).sum(-1)

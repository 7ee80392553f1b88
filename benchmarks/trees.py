"""Fitted trees as tensors against the libraries that fitted them, on random numbers.

    python -m benchmarks.trees

The forest is that of ``hparams/random_forest.yaml`` (5,000 trees, 62 features), the boosted trees
are those of ``hparams/acoustic_xgboost.yaml`` (400 a class, depth 10, 199 features), each fitted on
1,000 rows of eight classes. A class is a cloud of random numbers, far enough from the others that
about a quarter of new rows (xgboost) are told right: trees grow as large as on speech. All use as
many threads as they do by default.
"""

import sys

import numpy as np
import torch

from benchmarks.rows import Row, median, seconds, side_by_side
from ser_lib.classical.convert import as_tensors

_CLASSES, _ROWS, _SEED = 8, 1_000, 1986
# Boosting rounds, of a tree a class; fewer where it only has to be seen to work.
_ROUNDS = {False: 400, True: 5}


def rows(options=None):
    """Rows of the forest and of xgboost, each for 1,000 rows and for one.

    Arguments
    ---------
    options : argparse.Namespace or None
        With ``quick`` fewer trees and runs, to see that it works.

    Returns
    -------
    list of benchmarks.rows.Row
    """
    from sklearn.ensemble import RandomForestClassifier

    quick = getattr(options, "quick", False)
    n_trees = 50 if quick else 5_000
    forest = RandomForestClassifier(
        n_trees, criterion="gini", max_features="sqrt", n_jobs=-1, random_state=_SEED
    )
    made = []
    for what, against, fitted in (
        (f"random forest of {n_trees:,} trees", "scikit-learn", lambda: _fitted(forest, 62)),
        (boosted_name(quick), "xgboost", lambda: boosted(quick)),
    ):
        trees, estimator, new = fitted()
        for n_rows in (_ROWS, 1):
            name = f"{what}, {n_rows:,} row{'s' if n_rows > 1 else ''} of random numbers"
            mine, theirs = compare(trees, estimator, new[:n_rows], 3 if quick else 15)
            made.append(Row(name, f"predict_proba of {against}", mine, theirs, ("times", 1)))
    return made


def boosted_name(quick):
    """What :func:`boosted` makes, in words (str)."""
    return f"{_ROUNDS[quick] * _CLASSES:,} boosted trees"


def boosted(quick=False):
    """Boosted trees as tensors (TreeEnsemble), as fitted (XGBClassifier), and new rows (array)."""
    from xgboost import XGBClassifier

    estimator = XGBClassifier(
        n_estimators=_ROUNDS[quick],
        learning_rate=0.1,
        max_depth=10,
        n_jobs=-1,
        random_state=_SEED,
    )
    return _fitted(estimator, 199)


def _fitted(estimator, n_features):
    known, labels, new = _random(n_features)
    estimator.fit(known, labels)
    return as_tensors(estimator, n_features, _CLASSES), estimator, new


def _random(n_features):
    """Random rows to fit on, their classes, and as many to tell: (rows, features), (rows,)."""
    rng = np.random.default_rng(_SEED)
    labels = np.arange(_ROWS) % _CLASSES
    centres = 0.1 * rng.normal(size=(_CLASSES, n_features))
    known, new = (
        (centres[labels] + rng.normal(size=(_ROWS, n_features))).astype(np.float32)
        for _ in range(2)
    )
    return known, labels, new


def compare(trees, estimator, table, runs):
    """Medians (s) of the tensors and of the estimator, which have to agree."""
    features = torch.from_numpy(table)[:, :, None]

    def mine():
        with torch.inference_mode():
            return trees(features, None).softmax(dim=1)

    def theirs():
        return estimator.predict_proba(table)

    np.testing.assert_allclose(mine().numpy(), theirs(), atol=1e-5)
    # What is slow enough does not need as many runs.
    runs = max(3, min(runs, int(10 / median(theirs, runs=1))))
    return side_by_side([mine, theirs], runs)


def main():
    """Measure and print; returns 0."""
    print("| what | against | ours | theirs | theirs / ours |")
    print("| :-- | :-- | --: | --: | --: |")
    for row in rows():
        cells = (row.what, row.against, seconds(row.ours), seconds(row.theirs))
        print(f"| {' | '.join(cells)} | {row.theirs / row.ours:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

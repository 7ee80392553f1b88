"""Fitted trees as arrays, and the one tensor layout that all ensembles of them share."""

from typing import NamedTuple

import numpy as np
import torch

from ser_lib.models.tree_ensemble import TreeEnsemble


class Tree(NamedTuple):
    """One binary tree; every array has an entry a node, the root first.

    ``left`` and ``right`` number the children, -1 at a leaf; ``feature`` and ``threshold``
    (float32) send a row right where ``row[feature] > threshold``; ``value`` ``(nodes, numbers)``
    is read at leaves only; ``score`` is the class that the tree adds to, 0 where it has none.
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray
    score: int = 0


def tree_from_sklearn(tree, value, score=0):
    """A Tree from the ``tree_`` of a fitted scikit-learn estimator.

    Arguments
    ---------
    tree : sklearn.tree._tree.Tree
        Its public arrays are read.
    value : array
        ``(nodes, numbers)``, what the leaves hold.
    score : int
        Class that the tree adds to.

    Returns
    -------
    Tree
    """
    threshold = round_down(tree.threshold)
    return Tree(tree.children_left, tree.children_right, tree.feature, threshold, value, score)


def round_down(threshold):
    """Largest float32 not above each float64 threshold: ``x > t`` then holds for the same x.

    scikit-learn compares features in float32 with thresholds in float64. Rounding to the nearest
    could carry a threshold over a feature that lies right on it.
    """
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, just_below(nearest), nearest)


def just_below(threshold):
    """Float32 next below each: ``x > just_below(t)`` where xgboost asks ``not x < t``."""
    return np.nextafter(threshold, np.float32(-np.inf), dtype=np.float32)


def ensemble(trees, n_classes, n_features, link="identity", bias=None):
    """Trees as a module.

    Arguments
    ---------
    trees : sequence of Tree
        Leaves hold class probabilities with link ``identity``, else one score each.
    n_classes, n_features : int
        Emotions, and numbers that describe a clip.
    link : str
        ``identity``, ``softmax`` or ``sigmoid``, see TreeEnsemble.
    bias : array or None
        Added to the summed scores.

    Returns
    -------
    TreeEnsemble
        On the CPU, in eval mode.
    """
    laid = sorted((_by_level(tree) for tree in trees), key=lambda pair: -pair[1])
    trees, depths = [tree for tree, _ in laid], np.array([depth for _, depth in laid])
    sizes = np.array([len(tree.left) for tree in trees])
    left = np.concatenate([tree.left for tree in trees])
    leaf = left == 0
    values = np.concatenate([tree.value[tree.left == 0] for tree in trees]).astype(np.float32)
    table, rows = distinct_rows(values)
    leaf_row = np.zeros(len(left), dtype=np.int64)
    leaf_row[leaf] = rows
    model = TreeEnsemble(
        n_classes=n_classes,
        n_features=n_features,
        n_trees=len(trees),
        n_nodes=len(left),
        deeper_trees=[int((depths > depth).sum()) for depth in range(depths[0])],
        largest_tree=int(sizes.max()),
        n_leaf_rows=len(table),
        combine="mean" if link == "identity" else "sum",
        link=link,
    )
    arrays = {
        "root": np.cumsum(sizes) - sizes,
        "feature": np.concatenate([tree.feature for tree in trees]),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "left": left,
        "leaf_row": leaf_row,
        "leaf_table": table,
    }
    if link != "identity":
        arrays["tree_score"] = np.array([tree.score for tree in trees])
        arrays["bias"] = np.atleast_1d(bias)
    model.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
    return model.eval()


def _by_level(tree):
    """The tree with its nodes in the order of their depth, siblings side by side; its depth.

    ``left`` becomes the distance from the parent to its left child and ``right`` is dropped.
    """
    level, levels = np.zeros(1, dtype=np.int64), []
    while len(level):
        levels.append(level)
        inner = level[tree.left[level] != -1]
        level = np.stack([tree.left[inner], tree.right[inner]], axis=1).ravel()
    order = np.concatenate(levels)
    leaf = tree.left[order] == -1
    # The n-th inner node from the root has the n-th pair of places behind the root.
    left = np.zeros(len(order), dtype=np.int64)
    left[~leaf] = 2 * np.arange((~leaf).sum()) + 1 - np.flatnonzero(~leaf)
    laid = Tree(
        left=left,
        right=None,
        feature=np.where(leaf, 0, tree.feature[order]),
        threshold=np.where(leaf, np.float32(np.inf), tree.threshold[order]),
        value=tree.value[order],
        score=tree.score,
    )
    return laid, len(levels) - 1


def distinct_rows(values):
    """Distinct rows of a float32 array, and for each row which of them it is.

    Arguments
    ---------
    values : array
        ``(rows, numbers)``.

    Returns
    -------
    table : array
        ``(distinct, numbers)``.
    rows : array
        ``(rows,)``; ``table[rows]`` equals ``values``.
    """
    values = np.ascontiguousarray(values)
    _, first, rows = np.unique(
        values.view(np.dtype((np.void, values.dtype.itemsize * values.shape[1]))).ravel(),
        return_index=True,
        return_inverse=True,
    )
    return values[first], rows

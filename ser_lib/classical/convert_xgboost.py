"""Fitted xgboost classifiers as tensors, from the JSON that xgboost itself saves.

Source: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html (its JSON schema).
"""

import json

import numpy as np

from ser_lib.classical.convert_trees import Tree, ensemble, just_below
from ser_lib.errors import HparamsError

_LINKS = {
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "binary:logistic": "sigmoid",
}


def convert_xgboost(estimator, n_features, n_classes):
    """A TreeEnsemble from a fitted ``xgboost.XGBClassifier``.

    Only the trees up to the best iteration count where early stopping found one, as in
    xgboost's own predictions. Missing values have no meaning here: features are finite.

    Arguments
    ---------
    estimator : xgboost.XGBClassifier
        Fitted.
    n_features, n_classes : int
        Numbers that describe a clip, and emotions.

    Returns
    -------
    TreeEnsemble

    Raises
    ------
    HparamsError
        If it boosts something else than plain trees, or for another objective.
    """
    learner = json.loads(estimator.get_booster().save_raw("json"))["learner"]
    objective = learner["objective"]["name"]
    if objective not in _LINKS:
        raise HparamsError(f"XGBClassifier: objective is one of {', '.join(_LINKS)}")
    if learner["gradient_booster"]["name"] != "gbtree":
        raise HparamsError("XGBClassifier: only booster 'gbtree' can be converted")
    if not np.isnan(estimator.missing):
        raise HparamsError("XGBClassifier: leave 'missing' at NaN; features are never missing")
    model = learner["gradient_booster"]["model"]
    last = len(model["trees"])
    best = getattr(estimator, "best_iteration", None)
    if best is not None:
        last = model["iteration_indptr"][best + 1]
    pairs = zip(model["trees"][:last], model["tree_info"], strict=False)
    trees = [_tree(tree, score) for tree, score in pairs]
    # One number until xgboost 3, since then a list with one a class.
    bias = np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype=np.float64)
    if _LINKS[objective] == "sigmoid":
        bias = np.log(bias / (1 - bias))
    else:
        bias = np.broadcast_to(bias, n_classes).copy()
    return ensemble(trees, n_classes, n_features, _LINKS[objective], bias)


def _tree(tree, score):
    if any(tree["split_type"]) or tree["tree_param"]["size_leaf_vector"] not in ("0", "1"):
        raise HparamsError(
            "XGBClassifier: neither categorical features nor 'multi_output_tree' can be converted"
        )
    # A leaf keeps its value where an inner node keeps its threshold.
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        left=np.array(tree["left_children"]),
        right=np.array(tree["right_children"]),
        feature=np.array(tree["split_indices"]),
        threshold=just_below(condition),
        value=condition[:, None],
        score=score,
    )

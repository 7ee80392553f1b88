"""Classes that a training side lacks: an estimator never says them, the model gives them 0.

Estimators number their classes from 0 without gaps (xgboost insists on it), so they are fitted on
the places of the classes that are there. Here their answers get the columns of all classes back.
"""

import numpy as np
import torch

from ser_lib.models.perceptron import Perceptron
from ser_lib.models.tree_ensemble import TreeEnsemble

# Natural logarithms: e to the -30 is nothing beside 1, and far from what float32 can hold.
_BELOW = 30.0


def numbered(labels):
    """Classes that are there, and the place of each label among them.

    Arguments
    ---------
    labels : array
        ``(clips,)``, int.

    Returns
    -------
    classes : array
        ``(present,)``, ids in rising order.
    places : array
        ``(clips,)``; ``classes[places]`` equals ``labels``.
    """
    return np.unique(labels, return_inverse=True)


def spread(probabilities, classes, n_classes):
    """Probabilities of some classes ``(clips, present)`` as those of all ``(clips, n_classes)``.

    ``classes`` are the ids of the columns; the classes that are not among them get 0.
    """
    whole = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    whole[:, classes] = probabilities
    return whole


def spread_module(model, classes, n_classes):
    """A converted estimator that knows some classes, as one with logits of all.

    Arguments
    ---------
    model : Perceptron or TreeEnsemble
        For ``len(classes)`` classes.
    classes : sequence of int
        Ids that its outputs stand for, rising.
    n_classes : int
        Classes of the model to be.

    Returns
    -------
    Perceptron or TreeEnsemble
        In eval mode; the softmax gives at most 1e-12 to each of the other classes.
    """
    classes = torch.as_tensor(np.asarray(classes))
    spread_kind = _spread_perceptron if isinstance(model, Perceptron) else _spread_trees
    return spread_kind(model, classes, n_classes).eval()


def _spread_perceptron(model, classes, n_classes):
    whole = Perceptron(**{**_arguments(model), "n_classes": n_classes})
    state = model.state_dict()
    weight, bias = (f"layers.{len(model.layers) - 1}.{part}" for part in ("weight", "bias"))
    for key, below in ((weight, 0.0), (bias, _BELOW)):
        # No higher than the mean of the others less 30, whatever the features are.
        filled = (state[key].mean(dim=0) - below).repeat(n_classes, *[1] * (state[key].dim() - 1))
        filled[classes] = state[key]
        state[key] = filled
    whole.load_state_dict(state)
    return whole


def _spread_trees(model, classes, n_classes):
    state, changed = model.state_dict(), {"n_classes": n_classes}
    if model.link == "identity":
        table = state["leaf_table"].new_zeros(len(state["leaf_table"]), n_classes)
        table[:, classes] = state["leaf_table"]
        state["leaf_table"] = table
    else:
        # Beside another class's 0 a lone score in favour of one has the softmax of its sigmoid.
        scored = classes[1:] if model.link == "sigmoid" else classes
        changed["link"] = "softmax"
        bias = state["bias"].new_full((n_classes,), -1e4)
        bias[classes] = 0.0
        bias[scored] = state["bias"]
        state["bias"] = bias
        state["tree_score"] = scored[state["tree_score"].long()]
    whole = TreeEnsemble(**{**_arguments(model), **changed})
    whole.load_state_dict(state)
    return whole


def _arguments(model):
    return {key: value for key, value in model.spec.items() if key != "name"}

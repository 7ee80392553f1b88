"""What scikit-learn or xgboost fitted, as a module that gives the same probabilities.

A model folder holds tensors and names; a pickled estimator would run code when it is opened.
"""

import numpy as np
import torch
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from ser_lib.classical.absent import spread_module
from ser_lib.classical.convert_trees import ensemble, tree_from_sklearn
from ser_lib.classical.convert_xgboost import convert_xgboost
from ser_lib.errors import HparamsError
from ser_lib.models.perceptron import Perceptron


def as_tensors(estimator, n_features, n_classes, classes=None):
    """Module with the probabilities of a fitted estimator.

    Arguments
    ---------
    estimator : sklearn.base.ClassifierMixin
        Fitted on class ids 0 ... n_classes - 1: LogisticRegression, DecisionTreeClassifier,
        RandomForestClassifier, ExtraTreesClassifier, GradientBoostingClassifier or MLPClassifier
        of scikit-learn, or XGBClassifier of xgboost. Subclasses may predict otherwise and are
        refused.
    n_features, n_classes : int
        Numbers that describe a clip, and emotions.
    classes : sequence of int or None
        Emotions, rising, that the estimator's class ids 0, 1 ... stand for where it was fitted
        without some; None for all of them.

    Returns
    -------
    nn.Module
        From features ``(batch, n_features, 1)`` and lengths to logits ``(batch, n_classes)``,
        whose softmax equals ``predict_proba``, with at most 1e-12 for emotions that the estimator
        does not know; registered, float32, on the CPU, in eval mode.

    Raises
    ------
    HparamsError
        If the estimator is of another kind, is not fitted, lacks a class or was fitted on
        another number of features, or if a setting of it has no equivalent.
    """
    name = type(estimator).__name__
    check_kind(estimator)
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise HparamsError(f"{name} is not fitted; call its fit first") from error
    known = n_classes if classes is None else len(classes)
    _refuse_misfit(name, estimator, n_features, known)
    model = _CONVERTERS[_qualified(type(estimator))](estimator, n_features, known)
    return model if known == n_classes else spread_module(model, classes, n_classes)


def check_kind(estimator):
    """Raise HparamsError unless estimators of this kind, fitted or not, can become tensors."""
    if _qualified(type(estimator)) not in _CONVERTERS:
        known = ", ".join(sorted(key.rpartition(".")[2] for key in _CONVERTERS))
        raise HparamsError(
            f"{type(estimator).__name__} cannot become tensors; choose one of {known}"
        )


def _refuse_misfit(name, estimator, n_features, n_classes):
    if estimator.n_features_in_ != n_features:
        raise HparamsError(
            f"{name} was fitted on {estimator.n_features_in_} features a clip, not {n_features}"
        )
    classes = estimator.classes_
    if isinstance(classes, list) or np.ndim(classes) != 1:
        raise HparamsError(f"{name} was fitted on several labels a clip; give it one class id each")
    found = classes.tolist()
    absent = [str(wanted) for wanted in range(n_classes) if wanted not in found]
    if absent:
        raise HparamsError(
            f"{name} was fitted without class {', '.join(absent)} of 0 ... {n_classes - 1}; "
            "number the classes it knows without gaps"
        )
    if len(found) != n_classes:
        strange = [str(label) for label in found if label not in range(n_classes)]
        raise HparamsError(f"{name} was fitted on class {', '.join(strange)} beyond {n_classes}")


def _logistic(estimator, n_features, n_classes):
    # Before 1.8 one model a class could be fitted, whose probabilities are not a softmax.
    scheme = getattr(estimator, "multi_class", "auto")
    if n_classes > 2 and (scheme == "ovr" or estimator.solver == "liblinear"):
        raise HparamsError("LogisticRegression: one model a class is no softmax; use solver lbfgs")
    weight, bias = estimator.coef_, estimator.intercept_
    if n_classes == 2 and scheme == "multinomial":
        weight, bias = 2 * weight, 2 * bias
    return _perceptron([weight], [bias], n_classes)


def _mlp(estimator, n_features, n_classes):
    weights = [weight.T for weight in estimator.coefs_]
    activation = {"logistic": "sigmoid"}.get(estimator.activation, estimator.activation)
    return _perceptron(weights, estimator.intercepts_, n_classes, activation)


def _perceptron(weights, biases, n_classes, activation="relu"):
    """A Perceptron from weights ``(out, in)`` and biases ``(out,)`` of its layers."""
    if n_classes == 2:
        # One score in favour of class 1, whose sigmoid is the softmax of (0, score).
        weights = [*weights[:-1], np.concatenate([np.zeros_like(weights[-1]), weights[-1]])]
        biases = [*biases[:-1], np.concatenate([np.zeros_like(biases[-1]), biases[-1]])]
    hidden = [len(bias) for bias in biases[:-1]]
    model = Perceptron(n_classes, (weights[0].shape[1], 1), hidden, activation)
    with torch.no_grad():
        for linear, weight, bias in zip(model.linears, weights, biases, strict=True):
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
    return model.eval()


def _decision_tree(estimator, n_features, n_classes):
    return ensemble([_distributions(estimator)], n_classes, n_features)


def _forest(estimator, n_features, n_classes):
    trees = [_distributions(tree) for tree in estimator.estimators_]
    return ensemble(trees, n_classes, n_features)


def _distributions(estimator):
    """Tree whose leaves hold class probabilities."""
    value = estimator.tree_.value[:, 0]
    # Counts of clips before scikit-learn 1.3, fractions since.
    return tree_from_sklearn(estimator.tree_, value / value.sum(axis=1, keepdims=True))


def _boosting(estimator, n_features, n_classes):
    name = "GradientBoostingClassifier"
    if estimator.loss != "log_loss":
        raise HparamsError(f"{name}: only loss 'log_loss' can be converted")
    if estimator.init is not None and estimator.init != "zero":
        raise HparamsError(f"{name}: leave 'init' at None or 'zero'; others depend on the features")
    rate = estimator.learning_rate
    trees = [
        tree_from_sklearn(stage.tree_, rate * stage.tree_.value[:, 0], score)
        for stages in estimator.estimators_
        for score, stage in enumerate(stages)
    ]
    # What decision_function starts from, the same for every row, is not public by itself.
    row = np.zeros((1, n_features), dtype=np.float32)
    grown = [[rate * stage.predict(row)[0] for stage in stages] for stages in estimator.estimators_]
    bias = estimator.decision_function(row).reshape(-1) - np.sum(grown, axis=0)
    return ensemble(trees, n_classes, n_features, "sigmoid" if n_classes == 2 else "softmax", bias)


def _qualified(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


_CONVERTERS = {
    _qualified(LogisticRegression): _logistic,
    _qualified(MLPClassifier): _mlp,
    _qualified(DecisionTreeClassifier): _decision_tree,
    _qualified(RandomForestClassifier): _forest,
    _qualified(ExtraTreesClassifier): _forest,
    _qualified(GradientBoostingClassifier): _boosting,
    # By name, so that xgboost is imported only by those who use it.
    "xgboost.sklearn.XGBClassifier": convert_xgboost,
}

"""Fit a scikit-learn or xgboost estimator on feature vectors of the training side.

A grid is searched by cross-validation inside the training side, with folds that keep a speaker's
clips together where the protocol does; the scaler is fitted anew in every fold.
"""

import contextlib
import copy
import logging
import warnings
from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import (
    ParameterGrid,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from torch import nn

from ser_lib.classical.absent import numbered
from ser_lib.errors import HparamsError
from ser_lib.logs import progress_bar

logger = logging.getLogger(__name__)


class Vectors(NamedTuple):
    """Training or validation side: ``features`` ``(clips, n)`` float32, ``labels`` ``(clips,)``
    int, ``speakers`` ``(clips,)`` str.
    """

    features: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray


class Fitted(NamedTuple):
    """``estimator`` and ``scaler`` (module or None) as fitted, ``settings`` that the grid chose
    (dict), ``inner_ua`` (fraction, or None without a grid) and ``classes`` ``(present,)``, the
    labels that the estimator's classes 0, 1 ... stand for.
    """

    estimator: BaseEstimator
    scaler: nn.Module | None
    settings: dict
    inner_ua: float | None
    classes: np.ndarray


def fit(estimator, scaler, vectors, folds, grid=None, sample_weights=None):
    """Choose settings where there is a grid, then fit on all vectors.

    Arguments
    ---------
    estimator : BaseEstimator
        Unfitted.
    scaler : nn.Module or None
        Unfitted scaler block; a copy is fitted.
    vectors : Vectors
        Training side.
    folds : list of (array, array)
        From :func:`inner_folds`; unused without a grid.
    grid : dict or None
        Setting to its values to try; the best mean UA over the folds wins.
    sample_weights : array or None
        ``(clips,)``.

    Returns
    -------
    Fitted

    Raises
    ------
    HparamsError
        If the grid names settings that the estimator lacks, or it refuses what it is given.
    """
    name = type(estimator).__name__
    check_grid(estimator, grid)
    classes, places = numbered(vectors.labels)
    vectors = vectors._replace(labels=places)
    pipeline = _pipeline(estimator, scaler)
    options = _weighted(sample_weights)
    clips, width = vectors.features.shape
    logger.info("fitting %s on %d clips x %d features", name, clips, width)
    try:
        chosen, inner_ua = {}, None
        with _penalty_may_be_named():
            if grid:
                chosen, inner_ua = _search(pipeline, vectors, folds, grid, options)
                logger.info("chosen: %s (inner UA %.1f%%)", chosen, 100 * inner_ua)
                pipeline.set_params(**_inside(chosen))
            pipeline.fit(vectors.features, vectors.labels, **options)
    except (ValueError, TypeError) as error:
        raise HparamsError(f"{name}: {str(error).strip().splitlines()[0]}") from error
    scaler = getattr(pipeline.named_steps["scaler"], "scaler_", None)
    return Fitted(pipeline.named_steps["estimator"], scaler, chosen, inner_ua, classes)


def check_grid(estimator, grid):
    """Raise HparamsError where a grid (dict or None) names a setting that the estimator lacks."""
    strange = sorted(set(grid or {}) - set(estimator.get_params()))
    if strange:
        raise HparamsError(f"grid: {type(estimator).__name__} has no setting {strange[0]!r}")


def _search(pipeline, vectors, folds, grid, options):
    """Setting of a grid with the best mean UA over the folds (of equals the first), and that UA.

    scikit-learn's GridSearchCV does the same without showing how far it is.
    """
    settings = list(ParameterGrid(grid))
    scores = [
        cross_val_score(
            clone(pipeline).set_params(**_inside(setting)),
            vectors.features,
            vectors.labels,
            cv=folds,
            scoring="balanced_accuracy",
            params=options,
            error_score="raise",
        ).mean()
        for setting in progress_bar(settings, f"grid, {len(folds)} inner folds", "setting")
    ]
    best = int(np.argmax(scores))
    return settings[best], float(scores[best])


def _inside(settings):
    """Settings of the estimator as those of the pipeline around it."""
    return {f"estimator__{key}": value for key, value in settings.items()}


def out_of_fold(estimator, scaler, vectors, folds, sample_weights=None):
    """Probabilities of every training clip by a fit that has not seen it.

    Arguments as :func:`fit` takes them, with the settings chosen already.

    Returns
    -------
    array
        ``(clips, present)``, a column for each label there is, rising.
    """
    with _penalty_may_be_named():
        return cross_val_predict(
            _pipeline(estimator, scaler),
            vectors.features,
            numbered(vectors.labels)[1],
            cv=folds,
            method="predict_proba",
            params=_weighted(sample_weights),
        )


@contextlib.contextmanager
def _penalty_may_be_named():
    """In here scikit-learn's logistic regression takes a ``penalty`` without a word.

    Releases before 1.8 need it named, later ones warn of it in every fit.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'penalty' was deprecated", FutureWarning)
        yield


def inner_folds(vectors, n_folds, by_speaker, seed):
    """Folds inside the training side, classes spread evenly.

    Arguments
    ---------
    vectors : Vectors
        Training side.
    n_folds : int
        How many.
    by_speaker : bool
        Whether a speaker's clips stay together, as they must where test speakers are new.
    seed : int
        Of the shuffling.

    Returns
    -------
    list of (array, array)
        Indices to fit on and to score on.

    Raises
    ------
    HparamsError
        If there are fewer speakers, or fewer clips of a class, than folds.
    """
    speakers = len(set(vectors.speakers))
    if by_speaker and speakers < n_folds:
        raise HparamsError(
            f"inner_folds is {n_folds}, but the training side has {speakers} speakers; "
            f"choose {speakers} or fewer"
        )
    fewest = int(np.unique(vectors.labels, return_counts=True)[1].min())
    if fewest < n_folds:
        raise HparamsError(
            f"inner_folds is {n_folds}, but a class has {fewest} training clips; choose fewer folds"
        )
    kind = StratifiedGroupKFold if by_speaker else StratifiedKFold
    cut = kind(n_folds, shuffle=True, random_state=seed)
    groups = vectors.speakers if by_speaker else None
    return list(cut.split(vectors.features, vectors.labels, groups))


class _ScalerBlock(TransformerMixin, BaseEstimator):
    """A scaler block as scikit-learn's pipelines want one."""

    def __init__(self, scaler):
        self.scaler = scaler

    def fit(self, features, labels=None):
        self.scaler_ = copy.deepcopy(self.scaler)
        self.scaler_.fit([torch.from_numpy(features)[..., None]])
        return self

    def transform(self, features):
        with torch.no_grad():
            return self.scaler_(torch.from_numpy(features)[..., None], None)[..., 0].numpy()


def _pipeline(estimator, scaler):
    first = "passthrough" if scaler is None else _ScalerBlock(scaler)
    return Pipeline([("scaler", first), ("estimator", estimator)])


def _weighted(sample_weights):
    return {} if sample_weights is None else {"estimator__sample_weight": sample_weights}

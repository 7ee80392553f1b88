"""What is special about xgboost: its start, its best iteration, what is refused."""

import numpy as np
import pytest
import torch
from xgboost import Booster, XGBClassifier

from ser_lib.classical.convert import as_tensors
from ser_lib.errors import HparamsError

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(400, 6)).astype(np.float32)
SCORE = FEATURES[:, 0] * FEATURES[:, 1] + FEATURES[:, 2] + RNG.normal(size=400)
LABELS = np.searchsorted([-0.5, 0.2, 1.5], SCORE)


def fitted(n_classes=4, **settings):
    values = {"n_estimators": 8, "max_depth": 4, "n_jobs": 1, **settings}
    return XGBClassifier(**values).fit(FEATURES, np.minimum(LABELS, n_classes - 1))


def assert_same(estimator, model):
    features = np.random.default_rng(1).normal(size=(1000, 6)).astype(np.float32)
    ours = model(torch.from_numpy(features)[:, :, None], None).softmax(dim=1).numpy()
    assert np.abs(ours - estimator.predict_proba(features)).max() <= 1e-5


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"base_score": 0.3},
        {"gamma": 2.0, "max_depth": 8},
        {"num_parallel_tree": 3, "subsample": 0.5, "random_state": 0},
        {"tree_method": "exact"},
        {"grow_policy": "lossguide", "max_leaves": 9},
    ],
    ids=str,
)
def test_probabilities_are_those_of_predict_proba(n_classes, settings):
    estimator = fitted(n_classes, **settings)
    assert_same(estimator, as_tensors(estimator, 6, n_classes))


def test_softmax_objective():
    estimator = fitted(objective="multi:softmax")
    assert_same(estimator, as_tensors(estimator, 6, 4))


def test_a_start_for_all_classes_as_older_versions_save_it(monkeypatch):
    estimator = fitted(base_score=0.5)
    raw = bytes(estimator.get_booster().save_raw("json"))
    older = raw.replace(b'"[5E-1,5E-1,5E-1,5E-1]"', b'"5E-1"')
    assert b'"5E-1"' in older
    monkeypatch.setattr(Booster, "save_raw", lambda booster, raw_format: older)
    model = as_tensors(estimator, 6, 4)
    monkeypatch.undo()
    assert_same(estimator, model)


@pytest.mark.parametrize("parallel", [1, 2])
def test_trees_behind_the_best_iteration_do_not_count(parallel):
    estimator = XGBClassifier(
        n_estimators=200, early_stopping_rounds=10, num_parallel_tree=parallel, n_jobs=1
    )
    estimator.fit(FEATURES[:200], LABELS[:200], eval_set=[(FEATURES[200:], LABELS[200:])])
    best = estimator.best_iteration
    assert best + 1 < estimator.get_booster().num_boosted_rounds()
    model = as_tensors(estimator, 6, 4)
    assert len(model.root) == (best + 1) * 4 * parallel
    assert_same(estimator, model)


def test_leaves_are_single_numbers():
    model = as_tensors(fitted(), 6, 4)
    assert model.leaf_table.shape[1] == 1
    assert sorted(set(model.tree_score.tolist())) == [0, 1, 2, 3]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"booster": "dart"}, "gbtree"),
        ({"booster": "gblinear"}, "gbtree"),
        ({"missing": 0.0}, "'missing'"),
        ({"multi_strategy": "multi_output_tree", "tree_method": "hist"}, "multi_output_tree"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(HparamsError, match=message):
        as_tensors(fitted(**settings), 6, 4)


def test_refuses_another_objective():
    with pytest.raises(HparamsError, match="objective is one of multi:softprob"):
        as_tensors(fitted(2, objective="binary:hinge"), 6, 2)


def test_names_the_class_that_is_absent():
    with pytest.raises(HparamsError, match="fitted without class 4 of 0"):
        as_tensors(fitted(), 6, 5)


def test_refuses_what_is_not_fitted():
    with pytest.raises(HparamsError, match="not fitted"):
        as_tensors(XGBClassifier(), 6, 4)

"""Converted estimators against predict_proba of scikit-learn and xgboost."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from ser_lib.classical.convert import as_tensors
from ser_lib.errors import HparamsError
from ser_lib.features.mfcc import MFCC
from ser_lib.models.tree_ensemble import TreeEnsemble
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.registry import build

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

N_FEATURES = 12

ESTIMATORS = {
    "logistic": LogisticRegression(C=10, max_iter=500),
    "tree": DecisionTreeClassifier(random_state=0),
    "small tree": DecisionTreeClassifier(max_depth=3, class_weight="balanced", random_state=0),
    "forest": RandomForestClassifier(60, random_state=0),
    "weighted forest": RandomForestClassifier(
        60, max_depth=5, class_weight="balanced", random_state=0
    ),
    "extra trees": ExtraTreesClassifier(60, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=25, max_depth=4, random_state=0),
    "boosting from zero": GradientBoostingClassifier(n_estimators=5, init="zero", random_state=0),
    "xgboost": XGBClassifier(n_estimators=30, max_depth=6, n_jobs=1),
    "relu": MLPClassifier((20, 10), max_iter=30, random_state=0),
    "tanh": MLPClassifier((20,), "tanh", max_iter=30, random_state=0),
    "sigmoid": MLPClassifier((20,), "logistic", max_iter=30, random_state=0),
    "no activation": MLPClassifier((20,), "identity", max_iter=30, random_state=0),
}
TREES = [name for name, e in ESTIMATORS.items() if not hasattr(e, "solver")]


def rows(n, seed):
    return np.random.default_rng(seed).normal(size=(n, N_FEATURES)).astype(np.float32)


def labels(features, n_classes):
    """Class ids that depend on the features, the first far more frequent than the last."""
    noise = np.random.default_rng(9).normal(size=len(features))
    score = features[:, 0] * features[:, 1] + features[:, 2] + 0.5 * noise
    cuts = np.quantile(score, 1 - np.geomspace(0.5, 0.02, n_classes)[1:])
    return np.searchsorted(cuts, score)


@pytest.fixture(scope="module", params=[2, 8])
def n_classes(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(n_classes):
    """Function from a name in ESTIMATORS to the fitted estimator and its module."""
    known = {}

    def get(name):
        if name not in known:
            features = rows(500, seed=0)
            estimator = clone(ESTIMATORS[name]).fit(features, labels(features, n_classes))
            known[name] = estimator, as_tensors(estimator, N_FEATURES, n_classes)
        return known[name]

    return get


def probabilities(model, features):
    with torch.no_grad():
        return model(torch.from_numpy(features)[:, :, None], None).softmax(dim=1).numpy()


def deviation(estimator, model, features):
    return np.abs(probabilities(model, features) - estimator.predict_proba(features)).max()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_probabilities_are_those_of_predict_proba(name, fitted):
    estimator, model = fitted(name)
    features = rows(1000, seed=1)
    assert deviation(estimator, model, features) <= 1e-5
    assert deviation(estimator, model, 30 * features) <= 1e-5
    assert probabilities(model, features).max() > 0.5


@pytest.mark.parametrize("name", TREES)
def test_rows_on_thresholds_and_right_beside_them_go_the_same_way(name, fitted):
    estimator, model = fitted(name)
    inner = model.left != 0
    rng, features = np.random.default_rng(2), rows(1000, seed=2)
    for feature in range(N_FEATURES):
        thresholds = model.threshold[inner & (model.feature == feature)].numpy()
        chosen = rng.choice(thresholds, len(features)) if len(thresholds) else 0
        features[:, feature] = chosen
    beside = [features]
    for direction in (-np.inf, np.inf):
        beside.append(np.nextafter(features, np.float32(direction)))
    for edge in beside:
        assert deviation(estimator, model, edge) <= 1e-5


@pytest.mark.parametrize("name", ESTIMATORS)
def test_comes_back_from_its_spec_and_a_file(name, fitted, tmp_path):
    _, model = fitted(name)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    again = build(model.spec).eval()
    again.load_state_dict(load_file(tmp_path / "model.safetensors"))
    features = rows(100, seed=3)
    np.testing.assert_array_equal(probabilities(again, features), probabilities(model, features))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_alone_or_in_a_batch_a_row_gets_the_same(name, fitted):
    _, model = fitted(name)
    features = rows(20, seed=4)
    together = probabilities(model, features)
    for row, expected in zip(features, together, strict=True):
        np.testing.assert_allclose(probabilities(model, row[None])[0], expected, atol=1e-6)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_is_ready_to_answer(name, fitted):
    _, model = fitted(name)
    tensors = [*model.parameters(), *model.buffers()]
    assert not model.training
    assert {t.dtype for t in tensors if t.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize("classes", [(1, 6), (0, 2, 3, 7)])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_classes_that_training_lacked_get_no_probability(name, classes):
    features = rows(300, seed=0)
    estimator = clone(ESTIMATORS[name]).fit(features, labels(features, len(classes)))
    model = as_tensors(estimator, N_FEATURES, 8, classes)
    for scale in (1, 30):
        some = scale * rows(300, seed=1)
        told = probabilities(model, some)
        known = estimator.predict_proba(some)
        np.testing.assert_allclose(told[:, classes], known, rtol=0, atol=1e-5)
        assert told.shape == (300, 8) and np.delete(told, classes, axis=1).max() <= 1.1e-12
    again = build(model.spec)
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(probabilities(again.eval(), some), told)


def test_deep_forests_stay_small():
    features = rows(2000, seed=5)
    chance = np.random.default_rng(5).integers(0, 8, len(features))
    forest = RandomForestClassifier(20, max_features=1, random_state=0).fit(features, chance)
    model = as_tensors(forest, N_FEATURES, 8)
    assert model.max_depth == max(tree.tree_.max_depth for tree in forest.estimators_) > 20
    assert deviation(forest, model, rows(1000, seed=6)) <= 1e-5
    assert len(model.leaf_table) == 8
    n_bytes = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    assert n_bytes < 8.1 * sum(tree.tree_.node_count for tree in forest.estimators_)


def test_counts_thresholds_and_leaves():
    features = rows(200, seed=0)
    tree = DecisionTreeClassifier(max_depth=4).fit(features, labels(features, 8))
    leaves = tree.get_n_leaves()
    assert as_tensors(tree, N_FEATURES, 8).fitted_numbers == leaves - 1 + 8 * leaves


def test_a_forest_of_lone_leaves():
    features, ids = np.zeros((8, N_FEATURES), dtype=np.float32), np.arange(8)
    forest = RandomForestClassifier(5, bootstrap=False).fit(features, ids)
    model = as_tensors(forest, N_FEATURES, 8)
    np.testing.assert_allclose(probabilities(model, rows(3, seed=0)), np.full((3, 8), 0.125))


def test_serves_as_classifier_of_waveforms():
    front_end = MFCC(n_mfcc=1)
    n_features = front_end.shape[1]
    features = np.random.default_rng(0).normal(size=(80, n_features)).astype(np.float32)
    tree = DecisionTreeClassifier(random_state=0).fit(features, np.arange(80) % 8)
    model = WaveformClassifier(front_end, None, as_tensors(tree, n_features, 8)).eval()
    again = WaveformClassifier.from_spec(model.spec)
    again.load_state_dict(model.state_dict())
    waveforms = torch.randn(3, 110_250)
    torch.testing.assert_close(again(waveforms), model(waveforms))
    assert isinstance(again.classifier, TreeEnsemble) and model(waveforms).shape == (3, 8)


def fit_on(ids, kind=DecisionTreeClassifier, **settings):
    return kind(**settings).fit(rows(len(ids), seed=0), ids)


IDS = np.arange(80) % 4


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (fit_on(np.array([0, 1, 4, 6] * 20)), "fitted without class 2, 3 of 0 ... 3; number"),
        (fit_on(np.array(["sad", "calm"] * 40)), "fitted without class 0, 1, 2, 3"),
        (fit_on(np.arange(80) % 6), "class 4, 5 beyond 4"),
        (fit_on(np.stack([IDS, IDS], axis=1)), "several labels a clip"),
        (DecisionTreeClassifier().fit(rows(80, seed=0)[:, :5], IDS), "5 features a clip, not 12"),
        (DecisionTreeClassifier(), "not fitted"),
        (fit_on(IDS, SVC), "SVC cannot become tensors; choose one of DecisionTreeClassifier, "),
        (fit_on(IDS, HistGradientBoostingClassifier, max_iter=1), "cannot become tensors"),
        (fit_on(IDS, GradientBoostingClassifier, n_estimators=1, init=DummyClassifier()), "'init'"),
    ],
)
def test_refuses(estimator, message):
    with pytest.raises(HparamsError) as caught:
        as_tensors(estimator, N_FEATURES, 4)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_refuses_another_loss():
    boosting = fit_on(IDS % 2, GradientBoostingClassifier, loss="exponential")
    with pytest.raises(HparamsError, match="'log_loss'"):
        as_tensors(boosting, N_FEATURES, 2)


def test_refuses_one_logistic_model_a_class():
    logistic = fit_on(IDS, LogisticRegression)
    logistic.multi_class = "ovr"
    with pytest.raises(HparamsError, match="no softmax"):
        as_tensors(logistic, N_FEATURES, 4)

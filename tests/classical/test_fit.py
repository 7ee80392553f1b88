import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler as SklearnMinMax
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

from ser_lib.classical.fit import Vectors, fit, inner_folds, out_of_fold
from ser_lib.errors import HparamsError
from ser_lib.features.scaler import MinMaxScaler


@pytest.fixture
def vectors():
    """120 clips of 8 speakers and 3 classes that lie apart, each speaker with an offset."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 40)
    speakers = np.repeat([f"s{n}" for n in range(8)], 15)
    features = rng.normal(size=(120, 5)).astype(np.float32)
    features[:, 0] += 2 * labels
    return Vectors(features, labels, speakers)


def test_folds_keep_a_speaker_together_only_where_told(vectors):
    for fit_on, score_on in inner_folds(vectors, 4, by_speaker=True, seed=1):
        assert not set(vectors.speakers[fit_on]) & set(vectors.speakers[score_on])
    mixed = inner_folds(vectors, 4, by_speaker=False, seed=1)
    assert all(set(vectors.speakers[a]) & set(vectors.speakers[b]) for a, b in mixed)


def test_every_clip_is_scored_once_over_the_folds(vectors):
    for by_speaker in (True, False):
        scored = [i for _, side in inner_folds(vectors, 4, by_speaker, 1) for i in side]
        assert sorted(scored) == list(range(120))


def test_the_grid_chooses_what_scores_best_inside(vectors):
    folds = inner_folds(vectors, 4, by_speaker=True, seed=1)
    grid = {"max_depth": [1, 4]}  # one cut cannot part three classes
    fitted = fit(DecisionTreeClassifier(random_state=0), None, vectors, folds, grid)
    assert fitted.settings == {"max_depth": 4}
    assert fitted.estimator.get_depth() <= 4
    assert 0.6 < fitted.inner_ua <= 1


def test_the_scaler_is_that_of_scikit_learn(vectors):
    fitted = fit(LogisticRegression(), MinMaxScaler((5, 1)), vectors, [])
    wanted = SklearnMinMax().fit_transform(vectors.features)
    ours = fitted.scaler(torch.from_numpy(vectors.features)[..., None], None)[..., 0]
    np.testing.assert_allclose(ours, wanted, atol=1e-6)
    plain = LogisticRegression().fit(wanted.astype(np.float32), vectors.labels)
    np.testing.assert_allclose(fitted.estimator.coef_, plain.coef_, atol=1e-3)


def test_sample_weights_reach_the_estimator(vectors):
    few = Vectors(*(part[(vectors.labels != 2) | (np.arange(120) < 12)] for part in vectors))
    plain = fit(LogisticRegression(), None, few, []).estimator
    weighted = fit(
        LogisticRegression(),
        None,
        few,
        [],
        sample_weights=compute_sample_weight("balanced", few.labels),
    ).estimator
    told = LogisticRegression(class_weight="balanced").fit(few.features, few.labels)
    np.testing.assert_allclose(weighted.coef_, told.coef_, atol=1e-3)
    assert np.abs(weighted.coef_ - plain.coef_).max() > 0.01


def test_out_of_fold_probabilities_come_from_fits_that_did_not_see_the_clip(vectors):
    folds = inner_folds(vectors, 4, by_speaker=True, seed=1)
    # A tree grown to the end knows every clip it was fitted on by heart.
    shuffled = vectors._replace(labels=np.random.default_rng(1).permutation(vectors.labels))
    tree = DecisionTreeClassifier(random_state=0)
    told = out_of_fold(tree, None, shuffled, folds)
    assert (told.argmax(axis=1) == shuffled.labels).mean() < 0.55
    assert tree.fit(shuffled.features, shuffled.labels).score(*shuffled[:2]) == 1


def test_labels_with_gaps_are_those_of_the_classes_that_are_there(vectors):
    gaps = vectors._replace(labels=np.array([1, 4, 6])[vectors.labels])
    folds = inner_folds(gaps, 4, by_speaker=True, seed=1)
    tree, grid = DecisionTreeClassifier(random_state=0), {"max_depth": [1, 4]}
    one, other = fit(tree, None, vectors, folds, grid), fit(tree, None, gaps, folds, grid)
    assert one.classes.tolist() == [0, 1, 2] and other.classes.tolist() == [1, 4, 6]
    assert other.inner_ua == one.inner_ua
    for told in (out_of_fold(tree, None, gaps, folds), other.estimator.predict_proba(gaps[0])):
        assert told.shape == (120, 3)
    assert (out_of_fold(XGBClassifier(n_estimators=2), None, gaps, folds) > 0).all()


def test_a_penalty_that_older_releases_need_is_no_matter_for_a_warning(vectors):
    estimator = LogisticRegression(penalty="elasticnet", l1_ratio=1.0, solver="saga", tol=0.1)
    folds = inner_folds(vectors, 2, by_speaker=True, seed=1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit(estimator, None, vectors, [], None, None)
        out_of_fold(estimator, None, vectors, folds)
    assert not [one for one in told if "penalty" in str(one.message)]


def test_refuses_a_setting_that_the_estimator_lacks(vectors):
    with pytest.raises(HparamsError, match="DecisionTreeClassifier has no setting 'depth'"):
        fit(DecisionTreeClassifier(), None, vectors, [], {"depth": [3]})


def test_refuses_a_value_that_the_estimator_refuses(vectors):
    with pytest.raises(HparamsError, match="DecisionTreeClassifier"):
        fit(DecisionTreeClassifier(max_depth=-3), None, vectors, [])


def test_refuses_more_folds_than_speakers_or_clips_of_a_class(vectors):
    with pytest.raises(HparamsError, match="8 speakers"):
        inner_folds(vectors, 9, by_speaker=True, seed=0)
    few = Vectors(*(part[:9] for part in vectors))
    with pytest.raises(HparamsError, match="3 training clips"):
        inner_folds(few, 4, by_speaker=False, seed=0)

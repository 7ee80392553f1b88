"""Trees as tensors: the walk by hand, and weights that would lead out of the arrays."""

import math

import pytest
import torch

from ser_lib.errors import ModelFolderError
from ser_lib.models import tree_ensemble
from ser_lib.models.tree_ensemble import TreeEnsemble
from ser_lib.registry import build

INF = math.inf
# A tree of depth 2 and a lone leaf: x0 <= 0.5 is row 0, else x2 <= -1 is row 1, else row 2.
SIZES = {
    "n_classes": 2,
    "n_features": 3,
    "n_trees": 2,
    "n_nodes": 6,
    "deeper_trees": [1, 1],
    "largest_tree": 5,
    "n_leaf_rows": 4,
}
NODES = {
    "root": torch.tensor([0, 5]),
    "feature": torch.tensor([0, 0, 2, 0, 0, 0]),
    "threshold": torch.tensor([0.5, INF, -1.0, INF, INF, INF]),
    "left": torch.tensor([1, 0, 1, 0, 0, 0]),
    "leaf_row": torch.tensor([0, 0, 0, 1, 2, 3]),
}
MEAN = {"leaf_table": torch.tensor([[1.0, 0.0], [0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])}
SUM = {
    "leaf_table": torch.tensor([[1.0], [2.0], [3.0], [10.0]]),
    "tree_score": torch.tensor([1, 0]),
    "bias": torch.tensor([0.5, -0.5]),
}


def forest(**changed):
    model = TreeEnsemble(**SIZES)
    model.load_state_dict({**NODES, **MEAN, **changed})
    return model.eval()


def boosted(link, **weights):
    model = TreeEnsemble(**SIZES, combine="sum", link=link)
    model.load_state_dict({**NODES, **SUM, **weights})
    return model.eval()


def rows(*values):
    return torch.tensor(values)[:, :, None]


ROWS = rows([0.5, 9.0, 9.0], [0.6, 9.0, -1.0], [0.6, 9.0, -0.9])


def test_walks_and_averages():
    expected = torch.tensor([[1.0, 0.0], [0.625, 0.375], [0.75, 0.25]])
    torch.testing.assert_close(forest()(ROWS, None).softmax(dim=1), expected)


def test_a_threshold_itself_goes_left_and_the_next_number_right():
    above = torch.nextafter(torch.tensor(0.5), torch.tensor(1.0)).item()
    probabilities = forest()(rows([0.5, 0.0, 0.0], [above, 0.0, 0.0]), None).softmax(dim=1)
    torch.testing.assert_close(probabilities[:, 0], torch.tensor([1.0, 0.75]))


def test_scores_add_up_by_class():
    scores = torch.tensor([[10.5, 0.5], [10.5, 1.5], [10.5, 2.5]])
    expected = scores.softmax(dim=1)
    torch.testing.assert_close(boosted("softmax")(ROWS, None).softmax(dim=1), expected)


def test_one_score_of_two_classes():
    weights = {"tree_score": torch.tensor([0, 0]), "bias": torch.tensor([-11.0])}
    one = torch.tensor([0.0, 1.0, 2.0]).sigmoid()
    probabilities = boosted("sigmoid", **weights)(ROWS, None).softmax(dim=1)
    torch.testing.assert_close(probabilities, torch.stack([1 - one, one], dim=1))


def test_logits_are_finite_where_a_class_is_impossible():
    logits = forest()(ROWS, None)
    assert logits.min().item() == pytest.approx(math.log(1e-12))
    steep = boosted("softmax", bias=torch.tensor([1e4, -1e4]))(ROWS, None)
    assert torch.isfinite(steep).all()


def test_features_that_are_no_numbers_end_somewhere():
    assert torch.isfinite(forest()(rows([INF] * 3, [-INF] * 3, [math.nan] * 3), None)).all()


def test_prediction_leaves_the_buffers_alone():
    model = forest()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model(ROWS[1:2], None)
    model(ROWS, None)
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())


@pytest.mark.parametrize("model", [forest(), boosted("softmax")], ids=["mean", "sum"])
def test_pieces_do_not_matter(model, monkeypatch):
    features = torch.randn(50, 3, 1)
    whole = model(features, None)
    monkeypatch.setattr(tree_ensemble, "_ROWS", 7)
    monkeypatch.setattr(tree_ensemble, "_STRIDE", 7)
    torch.testing.assert_close(model(features, None), whole)


def test_no_rows_give_no_logits():
    assert forest()(torch.zeros(0, 3, 1), None).shape == (0, 2)


@pytest.mark.parametrize("kind", [("mean", "identity"), ("sum", "softmax"), ("sum", "sigmoid")])
def test_unfitted_trees_know_nothing(kind):
    logits = TreeEnsemble(**SIZES, combine=kind[0], link=kind[1])(ROWS, None)
    torch.testing.assert_close(logits.softmax(dim=1), torch.full((3, 2), 0.5))


def test_counts_what_was_fitted():
    assert TreeEnsemble(**SIZES).fitted_numbers == 2 + 4 * 2
    assert TreeEnsemble(**SIZES, combine="sum", link="softmax").fitted_numbers == 2 + 4


def test_spends_no_more_bytes_than_it_must():
    big = dict(SIZES, n_features=300, n_nodes=100_000, largest_tree=70_000, n_leaf_rows=256)
    types = {name: buffer.dtype for name, buffer in TreeEnsemble(**big).named_buffers()}
    assert types["feature"] == torch.int16
    assert types["leaf_row"] == torch.uint8
    assert types["left"] == types["root"] == torch.int32


def test_refuses_another_number_of_features():
    with pytest.raises(ValueError, match="3 features a clip are needed, not 4"):
        forest()(torch.zeros(1, 4, 1), None)


DAMAGED = [
    ({"root": torch.tensor([0, 6])}, "root points outside"),
    ({"feature": torch.tensor([3, 0, 2, 0, 0, 0])}, "feature points outside"),
    ({"left": torch.tensor([1, 0, 1, 0, 0, 1])}, "child lies outside"),
    ({"left": torch.tensor([4, 0, 3, 0, 0, 0])}, "child lies outside"),
    ({"left": torch.tensor([1, 0, 255, 0, 0, 0])}, "left points outside"),
    ({"leaf_row": torch.tensor([0, 0, 0, 1, 2, 4])}, "leaf_row points outside"),
    ({"threshold": torch.tensor([0.5, INF, -1.0, INF, INF, 0.0])}, "leaf has a threshold"),
    ({"threshold": torch.full((6,), math.nan)}, "leaf has a threshold"),
]


@pytest.mark.parametrize(("changed", "message"), DAMAGED)
def test_damaged_weights_are_refused_on_load(changed, message):
    with pytest.raises(RuntimeError, match=message):
        forest(**changed)


@pytest.mark.parametrize(("changed", "message"), DAMAGED)
def test_damaged_weights_are_refused_where_a_loader_passes_by_the_check(changed, message):
    model = TreeEnsemble(**SIZES)
    for name, weight in {**NODES, **MEAN, **changed}.items():
        setattr(model, name, weight)
    with pytest.raises(ValueError, match=message):
        model(ROWS, None)


def test_scores_beyond_the_classes_are_refused():
    with pytest.raises(RuntimeError, match="tree_score points outside"):
        boosted("softmax", tree_score=torch.tensor([0, 2]))


def test_indices_that_became_floats_are_integers_again():
    model = TreeEnsemble(**SIZES)
    for name, weight in {**NODES, **MEAN}.items():
        setattr(model, name, weight.float())
    torch.testing.assert_close(model(ROWS, None), forest()(ROWS, None))
    assert model.feature.dtype == torch.uint8


def test_indices_between_integers_are_refused():
    model = TreeEnsemble(**SIZES)
    model.feature = torch.full((6,), 0.5)
    with pytest.raises(ValueError, match="must hold integers"):
        model(ROWS, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"n_classes": 0},
        {"n_features": -1},
        {"n_features": 2**21},
        {"n_nodes": 2**31},
        {"n_nodes": 5},
        {"n_trees": 8},
        {"largest_tree": 7},
        {"n_leaf_rows": 5},
        {"deeper_trees": [3]},
        {"deeper_trees": [1, 2]},
        {"deeper_trees": [1, 0]},
        {"deeper_trees": [1] * 4097},
        {"combine": "vote"},
        {"link": "softmax"},
        {"combine": "sum"},
        {"combine": "sum", "link": "sigmoid", "n_classes": 3},
        {"n_nodes": "many"},
    ],
)
def test_hostile_sizes_are_refused(changed):
    with pytest.raises(ModelFolderError, match="cannot build 'tree_ensemble'"):
        build({"name": "tree_ensemble", **SIZES, **changed})


@pytest.mark.parametrize("changed", [{"n_nodes": 2**31}, {"deeper_trees": [1] * 4097}])
def test_sizes_beyond_reason_are_value_errors(changed):
    with pytest.raises(ValueError, match="sizes of trees|deeper_trees"):
        TreeEnsemble(**{**SIZES, **changed})


def test_exports_for_any_number_of_rows():
    batch = torch.export.Dim("batch", max=4096)
    program = torch.export.export(
        forest(),
        (ROWS, torch.ones(3, dtype=torch.int64)),
        dynamic_shapes=({0: batch}, {0: batch}),
    )
    features = torch.randn(40, 3, 1)
    logits = program.module()(features, torch.ones(40, dtype=torch.int64))
    torch.testing.assert_close(logits, forest()(features, None))

import pytest
import torch

from ser_lib.models.issa_cnn import IssaCNN


def keras_count(model):
    """Parameters and running statistics, which Keras counts as parameters too."""
    running = [b.numel() for name, b in model.named_buffers() if "running" in name]
    return sum(p.numel() for p in model.parameters()) + sum(running)


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ({"n_classes": 8}, 520_360),
        ({"n_classes": 8, "padding": "valid", "last_relu": False}, 502_952),
        ({"n_classes": 7, "stack": "short"}, 270_599),
        ({"n_classes": 7, "stack": "short", "padding": "valid"}, 266_119),
        ({"n_classes": 4, "first_dropout": 0.2}, 508_052),
        ({"n_classes": 4, "first_dropout": 0.2, "padding": "valid"}, 499_348),
        ({"n_classes": 4, "stack": "short", "first_dropout": 0.2}, 261_380),
    ],
)
def test_has_the_parameters_that_the_sources_print(arguments, count):
    assert keras_count(IssaCNN(**arguments)) == count


def test_same_padding_leaves_the_flatten_length_of_the_papers_figures():
    assert IssaCNN(8).head[1].in_features == 3072
    assert IssaCNN(8, padding="valid").head[1].in_features == 896


def test_the_short_stack_has_neither_dropout_nor_batch_norm_at_its_end():
    assert [type(layer).__name__ for layer in IssaCNN(7, stack="short").head] == ["Linear"]


def test_the_last_convolution_is_followed_by_relu_unless_told_otherwise():
    features = torch.randn(4, 1, 193, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    with_relu = IssaCNN(8).eval().cnn(features)
    torch.manual_seed(0)
    without = IssaCNN(8, last_relu=False).eval().cnn(features)
    assert without.min() < 0
    torch.testing.assert_close(with_relu, without.relu())


@pytest.mark.parametrize(
    "arguments", [{"stack": "long"}, {"padding": "mirror"}, {"shape": (20, 1), "padding": "valid"}]
)
def test_refuses_what_it_does_not_know_and_too_few_features(arguments):
    with pytest.raises(ValueError, match="choose|too few"):
        IssaCNN(8, **arguments)

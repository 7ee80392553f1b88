"""The fully connected network: sizes of its sources, and what it computes."""

import pytest
import torch
from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.models.perceptron import Perceptron
from ser_lib.registry import build


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_has_the_parameters_of_its_sources():
    assert size(Perceptron(4, dropout=0.4)) == 61_204
    assert size(Perceptron(8, shape=(40, 1), hidden=(128, 256))) == 40_328


def test_is_what_it_says():
    model = Perceptron(4, dropout=0.4).eval()
    features = torch.randn(3, 199, 1)
    first, second = model.linears
    expected = second(first(features.squeeze(2)).relu())
    torch.testing.assert_close(model(features, None), expected)
    assert [type(layer) for layer in model.layers[2:4]] == [nn.ReLU, Dropout]


def test_without_hidden_layers_it_is_linear():
    model = Perceptron(3, shape=(5, 1), hidden=())
    features = torch.randn(2, 5, 1)
    torch.testing.assert_close(model(features, None), model.linears[0](features.squeeze(2)))


@pytest.mark.parametrize(
    ("activation", "function"),
    [("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("identity", lambda x: x)],
)
def test_activations(activation, function):
    model = Perceptron(3, shape=(5, 1), hidden=(7,), activation=activation)
    features = torch.randn(2, 5, 1)
    expected = model.linears[1](function(model.linears[0](features.squeeze(2))))
    torch.testing.assert_close(model(features, None), expected)


def test_glorot_weights_are_those_of_keras():
    torch.manual_seed(0)
    first, last = Perceptron(8, shape=(40, 1), hidden=(128,), init="glorot").linears
    assert not first.bias.any() and not last.bias.any()
    bound = (6 / (40 + 128)) ** 0.5
    assert 0.95 * bound < first.weight.abs().max() <= bound


def test_every_parameter_gets_a_gradient():
    model = Perceptron(4, shape=(20, 1), hidden=(16, 16))
    torch.nn.functional.cross_entropy(
        model(torch.randn(4, 20, 1), None), torch.arange(4)
    ).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_comes_back_from_its_spec():
    model = Perceptron(4, shape=(20, 1), hidden=(16,), activation="tanh")
    again = build(model.spec)
    again.load_state_dict(model.state_dict())
    features = torch.randn(2, 20, 1)
    assert again.shape == (20, 1)
    torch.testing.assert_close(again(features, None), model(features, None), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_classes": 0}, "at least 1"),
        ({"shape": (0, 1)}, "at least 1"),
        ({"shape": ()}, "at least 1"),
        ({"hidden": (300, -1)}, "at least 1"),
        ({"activation": "swish"}, "swish"),
        ({"init": "random"}, "random"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        Perceptron(**{"n_classes": 4, **values})

"""ReLU behind max-pooling, for speed, is the source's ReLU ahead of it."""

import copy

import pytest
import torch
from torch import nn

from ser_lib.models.picture_cnn import PictureCNN
from ser_lib.models.separable_cnn import SeparableCNN


def in_the_order_of_the_source(model):
    """A copy of a model whose ReLUs are ahead of the max-pooling, and how many were moved."""
    model, moved = copy.deepcopy(model), 0
    for place in range(len(model.cnn) - 1):
        if [type(layer) for layer in model.cnn[place : place + 2]] == [nn.MaxPool2d, nn.ReLU]:
            model.cnn[place], model.cnn[place + 1] = model.cnn[place + 1], model.cnn[place]
            moved += 1
    return model, moved


@pytest.mark.parametrize(
    ("model", "shape", "pools"),
    [
        (lambda: PictureCNN(3, shape=(3, 32, 48), dropout=0.0, hidden_dropout=0.0), (3, 32, 48), 4),
        (lambda: SeparableCNN(3, shape=(32, 48), dropout=0.0), (32, 48), 3),
    ],
    ids=["picture_cnn", "separable_cnn"],
)
def test_numbers_and_gradients_are_those_of_the_source(model, shape, pools):
    torch.manual_seed(5)
    ours = model()
    theirs, moved = in_the_order_of_the_source(ours)
    assert moved == pools
    inputs, lengths = torch.randn(4, *shape), torch.full((4,), shape[-1])
    answers = [network(inputs, lengths) for network in (ours, theirs)]
    assert torch.equal(*answers)
    for answer in answers:
        answer.square().sum().backward()
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-6), name

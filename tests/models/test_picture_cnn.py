"""The CNN on pictures: its size, its start, what it refuses."""

import math

import pytest
import torch

from ser_lib.models.picture_cnn import PictureCNN
from ser_lib.registry import build


def test_has_the_parameters_of_the_source():
    assert sum(p.numel() for p in PictureCNN(4).parameters()) == 1_632_820


def test_linear_weights_are_xavier_uniform():
    torch.manual_seed(0)
    for layer in (PictureCNN(4).head[0], PictureCNN(4).head[2]):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert 0.9 * bound < layer.weight.abs().max() <= bound


def test_its_spec_builds_it_again():
    model = build(PictureCNN(5, shape=[3, 48, 64]).spec)
    assert model.shape == (3, 48, 64)
    assert model(torch.randn(2, 3, 48, 64), torch.tensor([64, 64])).shape == (2, 5)


@pytest.mark.parametrize("shape", [(193, 1), (128, 300), (3, 0, 224), (3, 8, 224)])
def test_refuses_what_is_no_picture(shape):
    with pytest.raises(ValueError, match="pictures"):
        PictureCNN(4, shape=shape)

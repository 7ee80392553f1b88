"""CDCapobianco's 2-D CNN on MFCC."""

import pytest
import torch
from torch import nn

from ser_lib.models.mfcc_cnn import MFCCCNN


def test_counts_as_keras_counts():
    model = MFCCCNN(8)
    statistics = sum(b.numel() for name, b in model.named_buffers() if "running" in name)
    parameters = sum(p.numel() for p in model.parameters())
    assert (parameters, statistics, parameters + statistics) == (55_656, 384, 56_040)


def test_maps_have_the_sizes_of_the_source():
    x, sizes = torch.randn(2, 1, 25, 216), []
    for layer in MFCCCNN(8).cnn:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            sizes.append(tuple(x.shape[2:]))
    assert sizes == [(12, 108), (6, 54), (3, 27), (1, 13)]
    assert x.shape == (2, 416)


def test_relu_comes_before_batch_norm():
    kinds = [type(layer).__name__ for layer in MFCCCNN(8).cnn[:5]]
    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d", "MaxPool2d", "Dropout"]


def test_refuses_features_that_pooling_uses_up():
    with pytest.raises(ValueError, match="leave nothing"):
        MFCCCNN(8, shape=(12, 216))

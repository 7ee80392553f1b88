"""Data-Science-kosta's parallel CNN and Transformer encoder."""

import torch
from torch import nn
from torch.nn import functional as F

from ser_lib.models.cnn_transformer import CNNTransformer


def test_has_the_parameters_of_the_source():
    model = CNNTransformer(8)
    assert sum(p.numel() for p in model.parameters()) == 395_176


def test_branches_have_the_widths_of_the_source():
    model = CNNTransformer(8).eval()
    image = torch.randn(2, 1, 128, 563)
    assert model.cnn(image).shape == (2, 256)
    assert model.pool(image).shape == (2, 1, 64, 140)
    assert model.output.in_features == 320


def test_encoder_is_post_norm_relu_without_final_norm():
    model = CNNTransformer(8)
    assert len(model.transformer.layers) == 4
    assert model.transformer.norm is None
    layer = model.transformer.layers[0]
    assert not layer.norm_first
    assert layer.self_attn.num_heads == 4
    assert layer.linear1.out_features == 512
    assert layer.dropout.p == 0.4
    assert all(block[4].p == 0.3 for block in model.cnn if isinstance(block, nn.Sequential))


def test_every_parameter_gets_a_gradient():
    model = CNNTransformer(8)
    F.cross_entropy(model(torch.randn(4, 128, 563), None), torch.arange(4)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name

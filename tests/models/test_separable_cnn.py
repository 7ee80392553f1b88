"""harshpreet07's depthwise-separable CNN."""

import torch
from torch import nn

from ser_lib.models.separable_cnn import SeparableCNN


def test_kernels_are_those_of_the_notebooks():
    convolutions = [layer for layer in SeparableCNN(8).cnn if isinstance(layer, nn.Conv2d)]
    found = [(c.in_channels, c.out_channels, c.kernel_size[0], c.groups) for c in convolutions]
    assert found == [
        (3, 64, 7, 1),
        (64, 64, 7, 64),
        (64, 128, 1, 1),
        (128, 128, 7, 128),
        (128, 256, 1, 1),
        (256, 256, 7, 256),
        (256, 512, 1, 1),
    ]


def test_reads_the_same_spectrogram_in_all_channels():
    model = SeparableCNN(8).eval()
    features = torch.randn(2, 64, 400)
    image = features.unsqueeze(1).repeat(1, 3, 1, 1)
    torch.testing.assert_close(model(features, None), model.head(model.cnn(image)))

"""Depthwise-separable CNN (harshpreet07's; 341,000 parameters).

Source: harshpreet07/Speech-Emotion-Recognition-on-RAVDESS-Dataset, notebooks. The project's
report contradicts its code (3x3 kernels, 1.3 million parameters, weight decay, SpecAugment, 80:20
split); the code and its printed outputs are followed: 7x7 depthwise kernels, none of the rest.
"""

from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register


@register("separable_cnn")
class SeparableCNN(nn.Module):
    """Mel spectrograms ``(batch, frequency, time)`` in dB to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(frequency, time)`` of the features; the layers would take any other, too.
    image_channels : int
        Identical copies of the spectrogram that the stem reads.
    widths : sequence of int
        Maps of the stem and of each block.
    kernel : int
        Side of stem and depthwise kernels, odd.
    hidden : int
        Width of the hidden layer.
    dropout : float
        Ahead of each linear layer.

    Raises
    ------
    ValueError
        If the features are no image.
    """

    def __init__(
        self,
        n_classes,
        shape=(64, 400),
        image_channels=3,
        widths=(64, 128, 256, 512),
        kernel=7,
        hidden=256,
        dropout=0.5,
    ):
        super().__init__()
        if min(shape) < 4:
            raise ValueError(f"features of shape {tuple(shape)} are no image")
        self.image_channels, edge = image_channels, kernel // 2
        layers = [
            nn.Conv2d(image_channels, widths[0], kernel, stride=2, padding=edge),
            nn.BatchNorm2d(widths[0]),
            # The source has ReLU first: the same numbers, on four times the values.
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.ReLU(),
        ]
        for number, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            last = number == len(widths) - 2
            layers += [
                nn.Conv2d(before, before, kernel, padding=edge, groups=before),
                nn.BatchNorm2d(before),
                nn.ReLU(),
                nn.Conv2d(before, after, 1),
                nn.BatchNorm2d(after),
                *([nn.ReLU(), nn.AdaptiveAvgPool2d(1)] if last else [nn.MaxPool2d(2), nn.ReLU()]),
            ]
        self.cnn = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Sequential(
            Dropout(dropout),
            nn.Linear(widths[-1], hidden),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, features, lengths):
        """Logits; ``lengths`` (frames) are unused: the front end gives every clip the same."""
        image = features.unsqueeze(1).expand(-1, self.image_channels, -1, -1)
        return self.head(self.cnn(image))

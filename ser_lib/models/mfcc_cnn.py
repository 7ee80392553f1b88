"""2-D CNN on MFCC (CDCapobianco's; 55,656 trainable parameters).

Source: CDCapobianco/Speech-Emotion-Recognition (Keras). Four convolution blocks that pool
25 x 216 coefficients to 1 x 13, then one hidden layer. The 56,040 parameters that Keras prints
count the 384 running statistics of batch norm, which are buffers here. Keras's own defaults are
kept: Glorot-uniform weights, zero biases, batch norm with momentum 0.99 and epsilon 0.001.
"""

from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register

# PyTorch's momentum is the weight of the new batch, Keras's that of the past.
_NORM = {"momentum": 0.01, "eps": 1e-3}


@register("mfcc_cnn")
class MFCCCNN(nn.Module):
    """MFCC ``(batch, 25, 216)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(coefficients, time)`` of the features.
    channels : int
        Maps of every convolution.
    n_blocks : int
        Convolution blocks; each halves both axes.
    hidden : int
        Width of the hidden layer.
    dropout : float
        After each block, and twice around the last batch norm.

    Raises
    ------
    ValueError
        If the pooling leaves nothing of the features.
    """

    def __init__(self, n_classes, shape=(25, 216), channels=32, n_blocks=4, hidden=64, dropout=0.2):
        super().__init__()
        frequency, time = (size // 2**n_blocks for size in shape)
        if frequency * time == 0:
            raise ValueError(f"{n_blocks} halvings leave nothing of features of shape {shape}")
        blocks = []
        for number in range(n_blocks):
            blocks += [
                nn.Conv2d(channels if number else 1, channels, kernel_size=3, padding=1),
                nn.ReLU(),
                nn.BatchNorm2d(channels, **_NORM),
                nn.MaxPool2d(2),
                Dropout(dropout),
            ]
        self.cnn = nn.Sequential(*blocks, nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(channels * frequency * time, hidden),
            nn.ReLU(),
            Dropout(dropout),
            nn.BatchNorm1d(hidden, **_NORM),
            Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, features, lengths):
        """Logits; ``lengths`` (frames) are unused: the front end gives every clip the same."""
        return self.head(self.cnn(features.unsqueeze(1)))

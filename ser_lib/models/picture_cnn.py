"""Four convolutions on a spectrogram picture (ShaheenPerveen's CNN; 1,632,820 parameters).

Source: ShaheenPerveen/speech-emotion-recognition-iemocap, notebook ``PyTorch_CNN``. The last
convolution narrows 64 maps to 16 without looking around, so that 224 x 224 pixels become 3136
numbers. The first linear layer has no activation, in the source neither. Linear weights are
Xavier-uniform, all else as PyTorch starts it.
"""

from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register


@register("picture_cnn")
class PictureCNN(nn.Module):
    """Pictures ``(batch, colours, height, width)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(colours, height, width)`` of the pictures.
    widths, kernels : sequence of int
        Maps and kernel side (odd) of each convolution; each is followed by a halving of both axes.
    hidden : int
        Width of the hidden layer.
    dropout : float
        After each convolution.
    hidden_dropout : float
        After the hidden layer.

    Raises
    ------
    ValueError
        If the shape is not that of a picture, or the halvings leave nothing of it.
    """

    def __init__(
        self,
        n_classes,
        shape=(3, 224, 224),
        widths=(16, 32, 64, 16),
        kernels=(3, 3, 3, 1),
        hidden=512,
        dropout=0.5,
        hidden_dropout=0.3,
    ):
        super().__init__()
        self.shape = tuple(shape)
        halvings = len(widths)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(
                f"picture_cnn reads pictures of shape (colours, height, width), not {self.shape}"
            )
        height, width = (size // 2**halvings for size in self.shape[1:])
        if height * width == 0:
            raise ValueError(f"{halvings} halvings leave nothing of pictures of shape {self.shape}")
        layers, before = [], self.shape[0]
        for after, kernel in zip(widths, kernels, strict=True):
            layers += [
                nn.Conv2d(before, after, kernel, padding=kernel // 2),
                # The source has ReLU first: the same numbers, on four times the values.
                nn.MaxPool2d(2),
                nn.ReLU(),
                Dropout(dropout),
            ]
            before = after
        self.cnn = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(before * height * width, hidden),
            Dropout(hidden_dropout),
            nn.Linear(hidden, n_classes),
        )
        for layer in self.head:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)

    def forward(self, features, lengths):
        """Logits; ``lengths`` (columns) are unused: the front end gives every clip the same."""
        return self.head(self.cnn(features))

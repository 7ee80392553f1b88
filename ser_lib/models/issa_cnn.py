"""Issa's 1-D CNNs on feature vectors (520,360, 270,599, 508,052 or 261,380 parameters).

Source: D. Issa, M. F. Demirci, A. Yazici, "Speech emotion recognition with deep convolutional
neural networks", Biomedical Signal Processing and Control 59 (2020) 101894, its figures 2 and 4,
and AnkushMalaker/speech-emotion-recognition (Keras). Parameter counts are Keras's, with the
running statistics of batch norm, for 8 (RAVDESS), 7 (EMO-DB) and 4 classes (IEMOCAP).

The sources contradict each other. The paper's figures give 3,072 numbers before the last layer,
which only "same" padding does; the repository pads nothing (``padding="valid"``). Two of three
re-implementations put ReLU behind the sixth convolution, and so it is here; the repository does
not (``last_relu=False``). On IEMOCAP the repository's text describes model A with another dropout,
its code builds the full stack: both can be had, the code's is the default of its YAML.
"""

from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register

# Keras's defaults; PyTorch's momentum is the weight of the new batch, Keras's that of the past.
_NORM = {"momentum": 0.01, "eps": 1e-3}


@register("issa_cnn")
class IssaCNN(nn.Module):
    """Feature vectors ``(batch, features, 1)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(features, 1)``.
    stack : str
        ``"full"`` (the RAVDESS model) or ``"short"`` (EMO-DB model A: three convolutions).
    first_dropout, second_dropout : float
        Before the pooling, and behind the last convolution that batch norm follows; the full
        stack has the second again ahead of the linear layer.
    padding : str
        ``"same"`` or ``"valid"``.
    last_relu : bool
        Whether ReLU follows the last convolution of the full stack.

    Raises
    ------
    ValueError
        If a name is unknown or the features are too few.
    """

    def __init__(
        self,
        n_classes,
        shape=(193, 1),
        stack="full",
        first_dropout=0.1,
        second_dropout=0.2,
        padding="same",
        last_relu=True,
    ):
        super().__init__()
        if stack not in ("full", "short") or padding not in ("same", "valid"):
            raise ValueError(
                f"stack is {stack!r} and padding {padding!r}; choose full or short, same or valid"
            )
        full = stack == "full"

        def conv(before, after):
            return nn.Conv1d(before, after, kernel_size=5, padding=padding)

        layers = [conv(1, 256), _norm(256), nn.ReLU(), conv(256, 128), nn.ReLU()]
        layers += [Dropout(first_dropout)] + [_norm(128)] * full + [nn.MaxPool1d(8)]
        if full:
            layers += [conv(128, 128), nn.ReLU(), conv(128, 128), nn.ReLU()]
        layers += [conv(128, 128), _norm(128), nn.ReLU(), Dropout(second_dropout)]
        if full:
            layers += [conv(128, 128)] + [nn.ReLU()] * last_relu
        self.cnn = nn.Sequential(*layers, nn.Flatten())
        width = 128 * _left(shape[0], 6 if full else 3, padding)
        head = [Dropout(second_dropout)] * full + [nn.Linear(width, n_classes)]
        self.head = nn.Sequential(*head, *[_norm(n_classes)] * full)
        for module in self.modules():
            if isinstance(module, (nn.Conv1d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, features, lengths):
        """Logits; ``lengths`` are unused: every clip has one vector."""
        return self.head(self.cnn(features.transpose(1, 2)))


def _norm(width):
    return nn.BatchNorm1d(width, **_NORM)


def _left(features, convolutions, padding):
    """Steps left of ``features`` behind two convolutions, the pooling and the rest."""
    lost = 4 if padding == "valid" else 0
    left = (features - 2 * lost) // 8 - (convolutions - 2) * lost
    if left < 1:
        raise ValueError(f"{features} features are too few for {convolutions} convolutions")
    return left

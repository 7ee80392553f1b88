"""Fully connected network on a vector of features, and its limit without hidden layers.

Sources: ShaheenPerveen/speech-emotion-recognition-iemocap (199 features, 300 ReLU, dropout 0.4;
61,204 parameters for 4 classes), harshpreet07/Speech-Emotion-Recognition-on-RAVDESS-Dataset (its
Keras baseline: 40 features, 128 and 256 ReLU). scikit-learn's MLPClassifier and, with no hidden
layer at all, LogisticRegression have this form too.
"""

import math

from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "identity": nn.Identity}


@register("perceptron")
class Perceptron(nn.Module):
    """Features ``(batch, *shape)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        Shape of one clip's features, ``(n, 1)`` for a vector; it is flattened.
    hidden : sequence of int
        Widths of the hidden layers; empty for a linear classifier.
    activation : str
        After each hidden layer: ``relu``, ``tanh``, ``sigmoid`` or ``identity``.
    dropout : float
        After each activation, in [0, 1).
    init : str
        First weights and biases: ``pytorch`` for the defaults of ``nn.Linear``, ``glorot`` for
        those of Keras (Glorot-uniform weights, zero biases).

    Raises
    ------
    ValueError
        If a size is not positive, or another value is not one of the above.
    """

    def __init__(
        self,
        n_classes,
        shape=(199, 1),
        hidden=(300,),
        activation="relu",
        dropout=0.0,
        init="pytorch",
    ):
        super().__init__()
        self.shape = tuple(shape)
        if not self.shape or min(n_classes, *self.shape, *hidden) < 1:
            raise ValueError("n_classes, shape and hidden need sizes of at least 1")
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation is one of {', '.join(_ACTIVATIONS)}, not {activation!r}")
        if init not in ("pytorch", "glorot"):
            raise ValueError(f"init is pytorch or glorot, not {init!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {dropout}")
        layers, width = [nn.Flatten()], math.prod(self.shape)
        for size in hidden:
            layers += [nn.Linear(width, size), _ACTIVATIONS[activation](), Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, n_classes))
        if init == "glorot":
            for linear in self.linears:
                nn.init.xavier_uniform_(linear.weight)
                nn.init.zeros_(linear.bias)

    @property
    def linears(self):
        """The linear layers from features to logits (list of nn.Linear)."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def forward(self, features, lengths):
        """Logits; ``lengths`` are unused: a vector of features has no time."""
        return self.layers(features)

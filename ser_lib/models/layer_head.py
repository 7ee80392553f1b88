"""Head on the hidden states of a speech encoder: which layers, which frames, which emotion.

With no activation it is SUPERB's head for emotion recognition (S.-W. Yang et al. (2021), SUPERB,
arXiv:2105.01051), and what Transformers calls ``ForSequenceClassification``: a learned weighted sum
of all layers, a linear layer to 256 numbers, the mean over time, a linear layer. With ReLU before
the mean it is EmoBox's (Z. Ma et al. (2024), EmoBox, arXiv:2406.07162).
"""

import torch
from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register

_ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "gelu": nn.GELU}


@register("layer_head")
class LayerHead(nn.Module):
    """Hidden states ``(batch, layers, width, frames)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    layers : int
        Layers in the features; their weights are learned, and equal at first.
    width : int
        Numbers a state.
    hidden : int
        Width of the linear layer before the mean over time.
    activation : str
        After that layer: ``none``, ``relu`` or ``gelu``.
    dropout : float
        Of the pooled numbers, in training.

    Raises
    ------
    ValueError
        If a size is not positive, or the activation is unknown.
    """

    def __init__(self, n_classes, layers, width, hidden=256, activation="none", dropout=0.0):
        super().__init__()
        if min(layers, width, hidden) < 1:
            raise ValueError(f"layers {layers}, width {width} and hidden {hidden} must be positive")
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; choose {', '.join(_ACTIVATIONS)}")
        self.layer_weights = nn.Parameter(torch.ones(layers) / layers)
        self.projector = nn.Linear(width, hidden)
        self.activation = _ACTIVATIONS[activation]()
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(hidden, n_classes)

    def forward(self, features, lengths):
        """Logits of a padded batch.

        Arguments
        ---------
        features : Tensor
            ``(batch, layers, width, frames)``.
        lengths : Tensor
            ``(batch,)``, frames before the padding.
        """
        states = torch.einsum("l,blwt->btw", self.layer_weights.softmax(dim=0), features)
        frames = self.activation(self.projector(states))
        return self.classifier(self.dropout(self.pool(frames, lengths)))

    def pool(self, frames, lengths):
        """Mean over a clip's own frames: ``(batch, time, hidden)`` to ``(batch, hidden)``."""
        within = torch.arange(frames.shape[1], device=lengths.device) < lengths.unsqueeze(1)
        return (frames * within.unsqueeze(2)).sum(dim=1) / lengths.unsqueeze(1)

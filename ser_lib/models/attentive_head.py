"""Head that pools the frames of a speech encoder by attention, mean and deviation.

SpeechBrain's attentive statistics pooling, after K. Okabe et al. (2018), Attentive statistics
pooling for deep speaker embedding, arXiv:1803.10963.
"""

from speechbrain.lobes.models.ECAPA_TDNN import AttentiveStatisticsPooling
from torch import nn

from ser_lib.models.layer_head import LayerHead
from ser_lib.registry import register


@register("attentive_head")
class AttentiveHead(LayerHead):
    """Hidden states ``(batch, layers, width, frames)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes, layers, width, hidden, activation, dropout
        See :class:`ser_lib.models.layer_head.LayerHead`.
    attention : int
        Width of the attention's hidden layer.

    Raises
    ------
    ValueError
        As there.
    """

    def __init__(
        self,
        n_classes,
        layers,
        width,
        hidden=256,
        activation="none",
        dropout=0.0,
        attention=128,
    ):
        super().__init__(n_classes, layers, width, hidden, activation, dropout)
        self.pooling = AttentiveStatisticsPooling(hidden, attention)
        # Mean and deviation side by side.
        self.classifier = nn.Linear(2 * hidden, n_classes)

    def pool(self, frames, lengths):
        """Statistics of a clip's own frames: ``(batch, time, hidden)`` to ``(batch, 2 hidden)``."""
        # SpeechBrain counts the frames below share times frames. From the middle of a clip's last
        # frame no rounding reaches the padding.
        shares = (lengths - 0.5) / frames.shape[1]
        return self.pooling(frames.transpose(1, 2), shares).squeeze(2)

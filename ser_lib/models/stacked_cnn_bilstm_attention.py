"""Stacked time-distributed CNN and BiLSTM with attention (Data-Science-kosta's model 2).

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch. As model 1 (see
:mod:`ser_lib.models.stacked_cnn_lstm`), with three blocks instead of four, an LSTM in both
directions, and a learned weighted mean over the chunks instead of the last step. It has 582,761
parameters.
"""

from torch import nn

from ser_lib.models.blocks import AttentionPool, chunked, conv_stack, each_chunk
from ser_lib.models.dropout import Dropout
from ser_lib.registry import register


@register("stacked_cnn_bilstm_attention")
class StackedCNNBiLSTMAttention(nn.Module):
    """Log-mel features ``(batch, 128, 563)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    frequency : int
        Bands of the features.
    chunk_frames, chunk_stride : int
        Length of a chunk and distance between their starts (frames).
    channels, pools : sequence of int
        Maps and pooling factor of each convolution block.
    conv_dropout : float
        Dropout after each block.
    hidden : int
        Width of the LSTM, a direction.
    lstm_dropout : float
        Dropout on its output, ahead of the attention.

    Raises
    ------
    ValueError
        If the pooling leaves nothing of a chunk.
    """

    def __init__(
        self,
        n_classes,
        frequency=128,
        chunk_frames=128,
        chunk_stride=64,
        channels=(16, 32, 64),
        pools=(2, 4, 4),
        conv_dropout=0.3,
        hidden=64,
        lstm_dropout=0.4,
    ):
        super().__init__()
        self.frames, self.stride = chunk_frames, chunk_stride
        self.cnn, width = conv_stack((frequency, chunk_frames), channels, pools, conv_dropout)
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.dropout = Dropout(lstm_dropout)
        self.attention = AttentionPool(2 * hidden)
        self.output = nn.Linear(2 * hidden, n_classes)

    def forward(self, features, lengths):
        """Logits; ``lengths`` (frames) are unused: the front end gives every clip the same."""
        steps, _ = self.lstm(each_chunk(self.cnn, chunked(features, self.frames, self.stride)))
        return self.output(self.attention(self.dropout(steps)))

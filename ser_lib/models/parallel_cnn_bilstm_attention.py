"""Parallel CNN and BiLSTM with attention (Data-Science-kosta's model 3; 263,593 parameters).

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch. Two branches read the same
log-mel spectrogram: a CNN that pools it to 64 maps of 1 x 4, and an LSTM in both directions over
140 time steps of 64 bands (max-pooled by 2 x 4), averaged over time with learned weights. Their
256 + 256 numbers go to one linear layer.
"""

import torch
from torch import nn

from ser_lib.models.blocks import AttentionPool, conv_stack
from ser_lib.models.dropout import Dropout
from ser_lib.registry import register


@register("parallel_cnn_bilstm_attention")
class ParallelCNNBiLSTMAttention(nn.Module):
    """Log-mel features ``(batch, 128, 563)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(frequency, time)`` of the features.
    channels, pools : sequence of int
        Maps and pooling factor of each convolution block.
    conv_dropout : float
        Dropout after each block.
    lstm_pool : sequence of int
        Max-pooling ``(frequency, time)`` ahead of the LSTM.
    hidden : int
        Width of the LSTM, a direction.
    lstm_dropout : float
        Dropout on its output, ahead of the attention.

    Raises
    ------
    ValueError
        If the pooling leaves nothing of the features.
    """

    def __init__(
        self,
        n_classes,
        shape=(128, 563),
        channels=(16, 32, 64, 64),
        pools=(2, 4, 4, 4),
        conv_dropout=0.3,
        lstm_pool=(2, 4),
        hidden=128,
        lstm_dropout=0.1,
    ):
        super().__init__()
        self.cnn, width = conv_stack(shape, channels, pools, conv_dropout)
        self.pool = nn.MaxPool2d(tuple(lstm_pool))
        self.lstm = nn.LSTM(shape[0] // lstm_pool[0], hidden, batch_first=True, bidirectional=True)
        self.dropout = Dropout(lstm_dropout)
        self.attention = AttentionPool(2 * hidden)
        self.output = nn.Linear(width + 2 * hidden, n_classes)

    def forward(self, features, lengths):
        """Logits; ``lengths`` (frames) are unused: the front end gives every clip the same."""
        image = features.unsqueeze(1)
        steps, _ = self.lstm(self.pool(image).squeeze(1).transpose(1, 2))
        context = self.attention(self.dropout(steps))
        return self.output(torch.cat([self.cnn(image), context], dim=1))

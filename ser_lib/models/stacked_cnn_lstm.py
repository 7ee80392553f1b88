"""Stacked time-distributed CNN and LSTM (Data-Science-kosta's model 1; 147,816 parameters).

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch. The log-mel spectrogram is
cut into seven chunks of 128 frames that overlap by half; one CNN reads every chunk, an LSTM runs
over the chunks, and its last step goes to a linear layer. The source standardises each cell of
each chunk by its own statistics; a chunk's cells are cells of the spectrogram, so standardising
that before the cut gives the same numbers.
"""

from torch import nn

from ser_lib.models.blocks import chunked, conv_stack, each_chunk
from ser_lib.models.dropout import Dropout
from ser_lib.registry import register


@register("stacked_cnn_lstm")
class StackedCNNLSTM(nn.Module):
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
        Width of the LSTM.
    lstm_dropout : float
        Dropout on its output.

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
        channels=(16, 32, 64, 128),
        pools=(2, 4, 4, 4),
        conv_dropout=0.4,
        hidden=64,
        lstm_dropout=0.3,
    ):
        super().__init__()
        self.frames, self.stride = chunk_frames, chunk_stride
        self.cnn, width = conv_stack((frequency, chunk_frames), channels, pools, conv_dropout)
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.dropout = Dropout(lstm_dropout)
        self.output = nn.Linear(hidden, n_classes)

    def forward(self, features, lengths):
        """Logits; ``lengths`` (frames) are unused: the front end gives every clip the same."""
        steps, _ = self.lstm(each_chunk(self.cnn, chunked(features, self.frames, self.stride)))
        return self.output(self.dropout(steps)[:, -1])

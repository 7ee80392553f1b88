"""LSTM over the parts of a clip (ShaheenPerveen's; 115,924 parameters for four classes).

Source: ShaheenPerveen/speech-emotion-recognition-iemocap, notebook of the LSTM: two layers of 70
on five parts of 199 acoustic features each, unscaled; the last step decides.
"""

from torch import nn

from ser_lib.registry import register


@register("acoustic_lstm")
class AcousticLSTM(nn.Module):
    """Features ``(batch, features, parts)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(features, parts)``.
    hidden : int
        Width of the LSTM.
    n_layers : int
        Its layers.
    """

    def __init__(self, n_classes, shape=(199, 5), hidden=70, n_layers=2):
        super().__init__()
        self.lstm = nn.LSTM(shape[0], hidden, n_layers, batch_first=True)
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, features, lengths):
        """Logits; ``lengths`` are unused: every clip has the same number of parts."""
        steps, _ = self.lstm(features.transpose(1, 2))
        return self.head(steps[:, -1])

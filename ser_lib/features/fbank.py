"""Log-mel filter bank of SpeechBrain, less each clip's own mean: what its ECAPA-TDNN hears.

Source: speechbrain/spkrec-ecapa-voxceleb and recipes/IEMOCAP/emotion_recognition of
speechbrain/speechbrain: ``lobes.features.Fbank``, here from SpeechBrain itself, then
``InputNormalization(norm_type="sentence", std_norm=False)``. Hamming windows of 25 ms every 10 ms,
centred, edges padded with zeros; power in 80 triangular bands of the mel scale up to half the
sample rate; decibels, none more than 80 below the clip's loudest cell.
"""

import torch
from speechbrain.lobes.features import Fbank
from torch import nn
from torch.nn import functional as F

from ser_lib.registry import register


@register("fbank")
class MeanFreeFbank(nn.Module):
    """Waveforms ``(batch, time)`` to features ``(batch, n_mels, frames)`` in dB of mean zero.

    Clips are analysed one by one without their padding: SpeechBrain analyses the padded batch,
    where the frames that reach over a clip's end can decide what its loudest cell is.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    n_mels : int
        Mel bands.
    n_fft : int
        Points of the Fourier transform (samples); no fewer than the window has.
    window_ms, hop_ms : float
        Window and hop (ms).

    Raises
    ------
    ValueError
        If a size makes no frame.
    """

    def __init__(self, sample_rate=16_000, n_mels=80, n_fft=400, window_ms=25.0, hop_ms=10.0):
        super().__init__()
        window, self.hop_length = (round(sample_rate / 1000 * ms) for ms in (window_ms, hop_ms))
        if not 0 < window <= n_fft or self.hop_length < 1 or n_mels < 1:
            raise ValueError(
                f"n_mels {n_mels}, n_fft {n_fft}, window_ms {window_ms} ({window} samples) and "
                f"hop_ms {hop_ms} ({self.hop_length} samples): need n_mels >= 1, a window of 1 to "
                "n_fft samples and a hop of 1 or more"
            )
        self.sample_rate, self.n_mels = sample_rate, n_mels
        # On the CPU by name, because Transformers builds models on the meta device: SpeechBrain
        # keeps window and filters as plain attributes, which no state_dict brings back. They stay
        # there, and every call takes them to where the waveforms lie.
        with torch.device("cpu"):
            self.fbank = Fbank(
                sample_rate=sample_rate,
                n_fft=n_fft,
                n_mels=n_mels,
                win_length=window_ms,
                hop_length=hop_ms,
            )

    @property
    def shape(self):
        """Shape ``(n_mels,)`` of one frame: a clip has as many as its length makes."""
        return (self.n_mels,)

    def forward(self, waveforms, lengths):
        """Features of a padded batch.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is never read.

        Returns
        -------
        features : Tensor
            ``(batch, n_mels, frames)``, zero behind a clip's end.
        lengths : Tensor
            ``(batch,)``, frames: one more than whole hops in the clip.
        """
        clips = zip(waveforms, lengths.tolist(), strict=True)
        features = [self._analyse(clip[:length]) for clip, length in clips]
        features = nn.utils.rnn.pad_sequence(features, batch_first=True).transpose(1, 2)
        return features, 1 + lengths // self.hop_length

    def _analyse(self, clip):
        """Features ``(frames, n_mels)`` of the samples ``(time,)`` of one clip."""
        # Of nothing at all there is no spectrum; one sample of silence makes one frame too.
        clip = F.pad(clip, (0, max(0, 1 - len(clip))))
        decibels = self.fbank(clip[None])[0]
        return decibels - decibels.mean(dim=0)

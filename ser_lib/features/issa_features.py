"""Issa's 193 features: five kinds of spectral features, each averaged over a clip.

Source: D. Issa, M. F. Demirci and A. Yazici (2020), Biomedical Signal Processing and Control 59,
101894, as AnkushMalaker/speech-emotion-recognition computes them, with the defaults of librosa
0.11: whole clips at 22,050 Hz, 2048-point Hann frames, hop 512, centred, edges padded with zeros
(its librosa, 0.8.1, mirrors the signal there).

- 40 MFCC of 128 Slaney mel bands in dB, at most 80 dB below the clip's loudest;
- 12 chroma of the power spectrum;
- 128 mel bands, power;
- 7 spectral contrasts, dB;
- 6 tonnetz of the constant-Q chroma of the signal itself.

The paper's figures name them in this order; the repository puts the mel bands before the chroma.
Each of the two chromas follows a tuning estimate of its own: of peaks of the power spectrum in
semitones, and of peaks of the magnitude spectrum in thirds of them.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ser_lib.features.chroma import chroma
from ser_lib.features.constant_q import constant_q
from ser_lib.features.framing import clip_spectrum, power_to_db
from ser_lib.features.mel import mel_filters
from ser_lib.features.mfcc import dct_matrix
from ser_lib.features.pitch import estimate_tuning
from ser_lib.features.spectral_contrast import contrast_bands, spectral_contrast
from ser_lib.features.tonnetz import constant_q_chroma, tonnetz
from ser_lib.registry import register

_ORDERS = {
    "paper": ("mfcc", "chroma", "mel", "contrast", "tonnetz"),
    "repository": ("mfcc", "mel", "chroma", "contrast", "tonnetz"),
}
_N_MFCC, _N_MELS = 40, 128
_N_FFT, _HOP = 2048, 512


@register("issa_features")
class IssaFeatures(nn.Module):
    """Waveforms ``(batch, time)`` to one vector a clip, ``(batch, 193, 1)``.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms, above 12,800.
    order : str
        ``"paper"``: MFCC, chroma, mel, contrast, tonnetz. ``"repository"``: MFCC, mel, chroma,
        contrast, tonnetz.

    Raises
    ------
    ValueError
        If the order is unknown or the sample rate too low for the highest contrast band.
    """

    def __init__(self, sample_rate=22_050, order="paper"):
        super().__init__()
        if order not in _ORDERS:
            raise ValueError(f"order is {order!r}; choose one of {sorted(_ORDERS)}")
        contrast_bands(sample_rate, _N_FFT)
        self.sample_rate, self.order = sample_rate, order
        # On the CPU by name and persistent, see LogMel.
        with torch.device("cpu"):
            filters = mel_filters(sample_rate, _N_FFT, _N_MELS, 0.0, sample_rate / 2)
            self.register_buffer("filters", filters)
            self.register_buffer("cosines", dct_matrix(_N_MFCC, _N_MELS))

    @property
    def shape(self):
        """Shape ``(193, 1)`` of one clip's features."""
        return 193, 1

    def forward(self, waveforms, lengths):
        """Features of a padded batch, clip by clip.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is ignored.

        Returns
        -------
        features : Tensor
            ``(batch, 193, 1)``.
        lengths : Tensor
            ``(batch,)``, all 1.
        """
        clips = zip(waveforms, lengths.tolist(), strict=True)
        features = torch.stack([self._vector(clip[:length]) for clip, length in clips])
        return features[:, :, None], torch.ones_like(lengths)

    def _vector(self, samples):
        # A clip without samples counts as one sample of silence.
        samples = F.pad(samples, (0, max(1 - len(samples), 0)))
        rate = self.sample_rate
        magnitude = clip_spectrum(samples, _N_FFT, _HOP).abs()
        power = magnitude.square()
        mel = self.filters @ power
        semitones = estimate_tuning(power, rate, _N_FFT)
        thirds = estimate_tuning(magnitude, rate, _N_FFT, bins_per_octave=36)
        notes = constant_q_chroma(constant_q(samples, rate, thirds, _HOP))
        parts = {
            # The mean comes first: the cosine transform of a mean is the mean of the transforms.
            "mfcc": self.cosines @ power_to_db(mel).mean(dim=1),
            "chroma": chroma(power, rate, _N_FFT, semitones).mean(dim=1),
            "mel": mel.mean(dim=1),
            "contrast": spectral_contrast(magnitude, rate, _N_FFT).mean(dim=1),
            "tonnetz": tonnetz(notes).mean(dim=1),
        }
        return torch.cat([parts[name] for name in _ORDERS[self.order]])

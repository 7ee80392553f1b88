"""Mel-frequency cepstral coefficients of a fixed stretch of speech, as CDCapobianco takes them.

Source: CDCapobianco/Speech-Emotion-Recognition (librosa's ``mfcc`` with its defaults): seconds
0.5 to 3.0 at 44.1 kHz, zero-padded to 110,250 samples; power spectrum of 2048-point Hann frames,
hop 512, centred, edges padded with zeros (as librosa does since 0.9.0; with which one the source
was trained is not told, and before that edges were mirrored); 128 Slaney mel bands; decibels
relative to 1, at most 80 dB below the clip's maximum; orthonormal DCT-II; the first 25 coefficients
of 216 frames.
"""

import math

import torch

from ser_lib.features.framing import StretchFrontEnd, power_spectrum, power_to_db
from ser_lib.features.mel import filter_bands, filtered, mel_filters
from ser_lib.registry import register


@register("mfcc")
class MFCC(StretchFrontEnd):
    """Waveforms ``(batch, time)`` to MFCC ``(batch, n_mfcc, frames)``.

    The defaults are those of CDCapobianco's code. Every clip is cut or zero-padded to the same
    ``seconds``, so its features depend on nothing but itself.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    offset, seconds : float
        Start and duration (s) of the stretch that is analysed.
    n_mfcc, n_mels : int
        Coefficients kept, and mel bands they are made from.
    n_fft, hop_length : int
        Frame and hop (samples).
    top_db : float
        Depth (dB) kept below the clip's maximum.

    Raises
    ------
    ValueError
        If a size makes no frame, or more coefficients than bands are wanted.
    """

    def __init__(
        self,
        sample_rate=44_100,
        offset=0.5,
        seconds=2.5,
        n_mfcc=25,
        n_mels=128,
        n_fft=2048,
        hop_length=512,
        top_db=80.0,
    ):
        super().__init__(sample_rate, offset, seconds)
        if not 0 < n_mfcc <= n_mels or hop_length < 1 or n_fft < 2 or seconds <= 0:
            raise ValueError("need 0 < n_mfcc <= n_mels, n_fft >= 2, hop_length >= 1, seconds > 0")
        self.n_fft, self.hop_length, self.top_db = n_fft, hop_length, top_db
        # On the CPU by name and persistent, see LogMel.
        with torch.device("cpu"):
            self.register_buffer("window", torch.hann_window(n_fft).clone())
            filters = mel_filters(sample_rate, n_fft, n_mels, 0.0, sample_rate / 2)
            self.register_buffer("filters", filters)
            self.blocks = filter_bands(filters)
            self.register_buffer("cosines", dct_matrix(n_mfcc, n_mels))

    @property
    def shape(self):
        """Shape ``(n_mfcc, frames)`` of one clip's features."""
        return self.cosines.shape[0], 1 + self.n_samples // self.hop_length

    def analyse(self, stretch):
        """Samples ``(batch, time)`` to coefficients ``(batch, n_mfcc, frames)``."""
        power = power_spectrum(stretch, self.window, self.n_fft, self.hop_length)
        mel = filtered(self.filters, power, self.blocks)
        return self.cosines @ power_to_db(mel, self.top_db)


def dct_matrix(n_out, n_in):
    """Orthonormal DCT-II as a matrix ``(n_out, n_in)``, float32.

    Source: N. Ahmed, T. Natarajan and K. R. Rao (1974), IEEE Transactions on Computers C-23.
    """
    k = torch.arange(n_out, dtype=torch.float64)[:, None]
    n = torch.arange(n_in, dtype=torch.float64)
    cosines = torch.cos(math.pi / n_in * (n + 0.5) * k) * math.sqrt(2 / n_in)
    cosines[0] /= math.sqrt(2)
    return cosines.float()

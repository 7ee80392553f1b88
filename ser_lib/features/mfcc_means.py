"""Mean MFCC of a whole clip, as harshpreet07's classical baselines take them.

Source: harshpreet07/Speech-Emotion-Recognition-on-RAVDESS-Dataset, the notebook Initial_Models
(librosa at the files' own 48 kHz): power spectrum of Hann frames, centred, edges padded with zeros
as librosa does since 0.9.0; 128 Slaney mel bands; decibels relative to 1, at most 80 dB below
the clip's maximum; orthonormal DCT-II; the mean of each coefficient over the clip's frames.

Tree and forest: 60 coefficients of frames of 960 samples every 480 (20 and 10 ms), then the mean
centroid and the mean bandwidth of the spectrum, both in Hz and from frames of 2048 every 512,
whatever the frames of the MFCC: 62 features. Multi-layer perceptron: 40 coefficients of frames of
2048 every 512, and nothing else.

With 960 points some of the 128 bands lie between two bins and stay at the floor, as in the source.
"""

import torch
from torch import nn

from ser_lib.features.frame_measures import bandwidth, centroid
from ser_lib.features.framing import power_to_db
from ser_lib.features.mel import filter_bands, filtered, mel_filters
from ser_lib.features.mfcc import dct_matrix
from ser_lib.registry import register

_N_MELS = 128
# Frames of the centroid and the bandwidth (samples).
_N_FFT, _HOP = 2048, 512


@register("mfcc_means")
class MFCCMeans(nn.Module):
    """Waveforms ``(batch, time)`` to features ``(batch, n_mfcc, 1)``, or two more.

    The defaults are those of harshpreet07's tree and forest; its perceptron has ``n_mfcc=40,
    n_fft=2048, hop_length=512, with_centroid=False``.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    n_mfcc : int
        Coefficients, at most 128.
    n_fft, hop_length : int
        Frame and hop of the MFCC (samples).
    with_centroid : bool
        Add the mean spectral centroid and the mean bandwidth (Hz).

    Raises
    ------
    ValueError
        If a size makes no frame, or more coefficients than bands are wanted.
    """

    def __init__(
        self, sample_rate=48_000, n_mfcc=60, n_fft=960, hop_length=480, with_centroid=True
    ):
        super().__init__()
        if not 0 < n_mfcc <= _N_MELS or hop_length < 1 or n_fft < 2 or sample_rate < 1:
            raise ValueError(
                "need 0 < n_mfcc <= 128, n_fft >= 2, hop_length >= 1 and sample_rate >= 1"
            )
        self.sample_rate, self.n_mfcc, self.with_centroid = sample_rate, n_mfcc, with_centroid
        self.n_fft, self.hop_length = n_fft, hop_length
        # On the CPU by name and persistent, see LogMel.
        with torch.device("cpu"):
            self.register_buffer("window", torch.hann_window(n_fft).clone())
            filters = mel_filters(sample_rate, n_fft, _N_MELS, 0.0, sample_rate / 2)
            self.register_buffer("filters", filters)
            self.blocks = filter_bands(filters)
            self.register_buffer("cosines", dct_matrix(n_mfcc, _N_MELS))
            if with_centroid:
                self.register_buffer("shape_window", torch.hann_window(_N_FFT).clone())
                self.register_buffer("hertz", torch.linspace(0, sample_rate / 2, _N_FFT // 2 + 1))

    @property
    def shape(self):
        """Shape ``(n_mfcc, 1)`` or ``(n_mfcc + 2, 1)`` of one clip's features."""
        return self.n_mfcc + 2 * self.with_centroid, 1

    def forward(self, waveforms, lengths):
        """Features of a padded batch.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is ignored. Nothing at all is one sample of
            silence.

        Returns
        -------
        features : Tensor
            ``(batch, n_mfcc, 1)``, or ``(batch, n_mfcc + 2, 1)``.
        lengths : Tensor
            ``(batch,)``, all 1.
        """
        clips = [clip[:length] for clip, length in zip(waveforms, lengths.tolist(), strict=True)]
        features = torch.stack([self._analyse(clip) for clip in clips])
        return features[:, :, None], torch.ones_like(lengths)

    def _analyse(self, clip):
        """Samples ``(time,)`` to features ``(n_mfcc,)``, or two more."""
        if len(clip) == 0:
            clip = clip.new_zeros(1)
        power = _power(clip, self.window, self.hop_length)
        decibels = power_to_db(filtered(self.filters, power, self.blocks))
        # The transform is linear: the mean may come first.
        means = self.cosines @ decibels.mean(dim=1)
        if not self.with_centroid:
            return means
        if (self.n_fft, self.hop_length) != (_N_FFT, _HOP):
            power = _power(clip, self.shape_window, _HOP)
        magnitude = power.sqrt()
        tracks = torch.stack([centroid(magnitude, self.hertz), bandwidth(magnitude, self.hertz)])
        return torch.cat([means, tracks.mean(dim=1)])


def _power(clip, window, hop_length):
    """Power spectrum ``(len(window) // 2 + 1, frames)`` of centred frames."""
    spectrum = torch.stft(
        clip,
        len(window),
        hop_length,
        window=window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    # The absolute value would take as long as the transform.
    return spectrum.real.square().addcmul(spectrum.imag, spectrum.imag)

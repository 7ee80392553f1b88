"""Mel spectrogram in dB of a whole clip, on a fixed number of frames, as harshpreet07 tests it.

Source: harshpreet07/Speech-Emotion-Recognition-on-RAVDESS-Dataset (torchaudio's MelSpectrogram
and AmplitudeToDB with their defaults): power spectrum of 1024-point Hann frames, hop 512, centred
with mirrored edges; 64 HTK mel bands; decibels relative to 1, without floor or normalisation.
Clips are cut to 400 frames (4.27 s at 48 kHz), shorter ones filled up with the value 0, which is
0 dB and not silence.

Departure: the source fills training clips up to the longest of their batch and only test clips to
400 frames, so that a clip's features depend on its neighbours. Here it is 400 frames throughout.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ser_lib.features.mel import filter_bands, filtered, htk_mel_filters
from ser_lib.registry import register


@register("mel_image")
class MelImage(nn.Module):
    """Waveforms ``(batch, time)`` to mel spectrograms ``(batch, n_mels, frames)`` in dB.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    n_fft, hop_length : int
        Frame and hop (samples).
    n_mels : int
        HTK mel bands from 0 Hz to half the sample rate.
    frames : int
        Width of the image.

    Raises
    ------
    ValueError
        If a size is not positive.
    """

    def __init__(self, sample_rate=48_000, n_fft=1024, hop_length=512, n_mels=64, frames=400):
        super().__init__()
        if min(n_fft - 1, hop_length, n_mels, frames) < 1:
            raise ValueError("n_fft must be 2 or more; hop_length, n_mels and frames 1 or more")
        self.sample_rate = sample_rate
        self.n_fft, self.hop_length, self.frames = n_fft, hop_length, frames
        # On the CPU by name and persistent, see LogMel.
        with torch.device("cpu"):
            self.register_buffer("window", torch.hann_window(n_fft).clone())
            filters = htk_mel_filters(sample_rate, n_fft, n_mels, 0.0, sample_rate / 2)
            self.register_buffer("filters", filters)
            self.blocks = filter_bands(filters)

    @property
    def shape(self):
        """Shape ``(n_mels, frames)`` of one clip's features."""
        return self.filters.shape[0], self.frames

    def forward(self, waveforms, lengths):
        """Features of a padded batch; each clip is mirrored at its own end, not at the padding's.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is ignored.

        Returns
        -------
        features : Tensor
            ``(batch, n_mels, frames)``, dB.
        lengths : Tensor
            ``(batch,)``, frames; the same for all clips.
        """
        clips = zip(waveforms, lengths.tolist(), strict=True)
        features = torch.stack([self._image(clip[:length]) for clip, length in clips])
        return features, torch.full_like(lengths, self.frames)

    def _image(self, clip):
        edge = self.n_fft // 2
        # A mirror needs something to show: clips under half a frame get silence first.
        clip = F.pad(clip, (0, max(0, edge + 1 - len(clip))))
        spectrum = torch.stft(
            clip,
            self.n_fft,
            self.hop_length,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )[:, : self.frames]
        power = spectrum.real.square() + spectrum.imag.square()
        decibels = 10 * filtered(self.filters, power, self.blocks).clamp(min=1e-10).log10()
        return F.pad(decibels, (0, self.frames - decibels.shape[1]))

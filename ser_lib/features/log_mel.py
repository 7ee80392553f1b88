"""Log-mel spectrogram of a fixed stretch of speech, as system 000's sources compute it.

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch (librosa's
``melspectrogram`` and ``power_to_db``). Seconds 0.5 to 3.5 of a 48 kHz clip are placed at the
start of 144,000 zeros; power spectrum of 1024-point frames (512-sample periodic Hamming window,
hop 256, centred, edges padded with zeros as librosa has done since 0.10); 128 Slaney mel bands
up to 24 kHz; decibels below the clip's own maximum, floored at -80 dB.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ser_lib.registry import register

_WINDOWS = {"hamming": torch.hamming_window, "hann": torch.hann_window}


@register("log_mel")
class LogMel(nn.Module):
    """Waveforms ``(batch, time)`` to log-mel features ``(batch, n_mels, frames)`` in dB.

    The defaults are those of the source. Every clip is cut or zero-padded to the same
    ``seconds``, so its features depend on nothing but itself.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    offset, seconds : float
        Start and duration (s) of the stretch that is analysed; ``int(seconds * sample_rate)``
        samples.
    n_fft, win_length, hop_length : int
        Frame, window and hop (samples).
    window : str
        ``"hamming"`` or ``"hann"``, periodic.
    n_mels : int
        Mel bands, Slaney scale and area normalisation.
    fmin, fmax : float
        Band edges (Hz); ``fmax`` None is half the sample rate.
    top_db : float
        Depth (dB) kept below the clip's maximum.

    Raises
    ------
    ValueError
        If the window is unknown or a size makes no frame.
    """

    def __init__(
        self,
        sample_rate=48_000,
        offset=0.5,
        seconds=3.0,
        n_fft=1024,
        win_length=512,
        hop_length=256,
        window="hamming",
        n_mels=128,
        fmin=0.0,
        fmax=None,
        top_db=80.0,
    ):
        super().__init__()
        if window not in _WINDOWS:
            raise ValueError(f"window is {window!r}; choose one of {sorted(_WINDOWS)}")
        if not 0 < win_length <= n_fft or hop_length < 1 or seconds <= 0:
            raise ValueError("need 0 < win_length <= n_fft, hop_length >= 1 and seconds > 0")
        self.sample_rate = sample_rate
        self.skip = int(offset * sample_rate)
        self.n_samples = int(seconds * sample_rate)
        self.n_fft, self.win_length, self.hop_length = n_fft, win_length, hop_length
        self.top_db = top_db
        # On the CPU by name: Transformers builds models on the meta device, where numbers
        # cannot be computed. Persistent, so that they travel in the safetensors file.
        with torch.device("cpu"):
            # A periodic window is a view of one sample more, which safetensors will not store.
            self.register_buffer("window", _WINDOWS[window](win_length, periodic=True).clone())
            self.register_buffer(
                "filters", mel_filters(sample_rate, n_fft, n_mels, fmin, fmax or sample_rate / 2)
            )

    @property
    def shape(self):
        """Shape ``(n_mels, frames)`` of one clip's features."""
        return self.filters.shape[0], 1 + self.n_samples // self.hop_length

    def forward(self, waveforms, lengths):
        """Features of a padded batch.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is treated as silence.

        Returns
        -------
        features : Tensor
            ``(batch, n_mels, frames)``, dB in ``[-top_db, 0]``.
        lengths : Tensor
            ``(batch,)``, frames; the same for all clips.
        """
        stretch = waveforms[:, self.skip : self.skip + self.n_samples]
        position = torch.arange(stretch.shape[1], device=waveforms.device) + self.skip
        stretch = stretch * (position < lengths[:, None])
        stretch = F.pad(stretch, (0, self.n_samples - stretch.shape[1]))
        # One clip at a time on the CPU: a clip's spectrum stays in the cache, a batch's does
        # not, which makes it about three times as fast.
        parts = stretch.split(1) if stretch.device.type == "cpu" else (stretch,)
        features = torch.cat([self._decibels(part) for part in parts])
        frames = torch.full_like(lengths, features.shape[-1])
        return features, frames

    def _decibels(self, stretch):
        spectrum = torch.stft(
            stretch,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        mel = self.filters @ power
        loudest = mel.amax(dim=(1, 2), keepdim=True)
        decibels = 10 * (mel.clamp(min=1e-10).log10() - loudest.clamp(min=1e-10).log10())
        return decibels.clamp(min=-self.top_db)


def mel_filters(sample_rate, n_fft, n_mels, fmin, fmax):
    """Slaney mel filter bank ``(n_mels, n_fft // 2 + 1)``, float32, unit area in Hz.

    Source: M. Slaney, Auditory Toolbox, technical report 1998-010: linear to 1 kHz, then
    logarithmic with 27 steps to 6.4 kHz; triangles scaled by 2 / bandwidth.

    Arguments
    ---------
    sample_rate, fmin, fmax : float
        Hz.
    n_fft, n_mels : int
        FFT points and bands.
    """
    edges = _mel_to_hz(
        torch.linspace(_hz_to_mel(fmin), _hz_to_mel(fmax), n_mels + 2, dtype=torch.float64)
    )
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    widths = edges.diff()
    slopes = edges[:, None] - bins[None, :]
    rising = -slopes[:-2] / widths[:-1, None]
    falling = slopes[2:] / widths[1:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).float()


_BREAK_HZ, _BREAK_MEL, _HZ_PER_MEL = 1000.0, 15.0, 200.0 / 3.0
_LOG_STEP = math.log(6.4) / 27.0


def _hz_to_mel(hz):
    if hz < _BREAK_HZ:
        return hz / _HZ_PER_MEL
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def _mel_to_hz(mels):
    above = _BREAK_HZ * torch.exp(_LOG_STEP * (mels - _BREAK_MEL))
    return torch.where(mels < _BREAK_MEL, mels * _HZ_PER_MEL, above)

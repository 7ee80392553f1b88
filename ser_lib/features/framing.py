"""What spectral front ends have in common: the analysed stretch, and spectra of its frames."""

import torch
from torch import nn
from torch.nn import functional as F


def fixed_stretch(waveforms, lengths, start, samples):
    """The same stretch of every clip, silence where a clip has ended.

    Arguments
    ---------
    waveforms : Tensor
        ``(batch, time)``.
    lengths : Tensor
        ``(batch,)``, samples; what lies beyond is padding and is taken for silence.
    start, samples : int
        Where the stretch begins and how long it is (samples).

    Returns
    -------
    Tensor
        ``(batch, samples)``.
    """
    if len(waveforms) == 1 and waveforms.device.type == "cpu":
        stretch = waveforms[:, start : min(start + samples, max(start, int(lengths)))]
        return F.pad(stretch, (0, samples - stretch.shape[1]))
    stretch = waveforms[:, start : start + samples]
    position = torch.arange(stretch.shape[1], device=waveforms.device) + start
    stretch = stretch.masked_fill(position >= lengths[:, None], 0.0)
    return F.pad(stretch, (0, samples - stretch.shape[1]))


def power_spectrum(stretch, window, n_fft, hop_length):
    """Power of centred frames, edges padded with zeros as librosa does since 0.9.0.

    Arguments
    ---------
    stretch : Tensor
        ``(batch, samples)``.
    window : Tensor
        ``(win_length,)``, centred in a frame of ``n_fft`` samples.
    n_fft, hop_length : int
        Samples.

    Returns
    -------
    Tensor
        ``(batch, n_fft // 2 + 1, frames)``.
    """
    spectrum = torch.stft(
        stretch,
        n_fft,
        hop_length,
        len(window),
        window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectrum.real.square() + spectrum.imag.square()


def power_to_db(power, top_db=80.0):
    """Power in dB relative to 1, nothing more than ``top_db`` below a clip's loudest cell.

    Arguments
    ---------
    power : Tensor
        ``(..., bands, frames)``, a clip in the last two; below 1e-10 counts as that.
    top_db : float
        dB.

    Returns
    -------
    Tensor
        As ``power``.
    """
    decibels = 10 * power.clamp(min=1e-10).log10()
    return torch.maximum(decibels, decibels.amax(dim=(-2, -1), keepdim=True) - top_db)


def clip_spectrum(samples, n_fft, hop_length):
    """Spectrum of centred Hann frames of one clip, computed in float64 where the device can.

    A resampler leaves next to nothing above its cutoff, and few voices fill all of a spectrum.
    Float32 would put a noise of its own there, a ten-millionth of a frame's loudest bin, which
    spectral contrast then measures.

    Arguments
    ---------
    samples : Tensor
        ``(time,)``, at least one.
    n_fft, hop_length : int
        Samples.

    Returns
    -------
    Tensor
        complex64, ``(n_fft // 2 + 1, 1 + time // hop_length)``.
    """
    dtype = torch.float32 if samples.device.type == "mps" else torch.float64
    spectrum = torch.stft(
        samples.to(dtype),
        n_fft,
        hop_length,
        window=torch.hann_window(n_fft, dtype=dtype, device=samples.device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectrum.to(torch.complex64)


def one_by_one(function, clips):
    """``function`` over a batch, clip by clip on a CPU: a clip's spectrum stays in the cache, a
    batch's does not, which makes it about three times as fast.

    Arguments
    ---------
    function : callable
        ``(batch, samples)`` to ``(batch, ...)``, row by row.
    clips : Tensor
        ``(batch, samples)``.
    """
    parts = clips.split(1) if clips.device.type == "cpu" else (clips,)
    return torch.cat([function(part) for part in parts])


class StretchFrontEnd(nn.Module):
    """Base of front ends that analyse the same stretch of every clip, in centred frames.

    Every clip is cut or zero-padded to the stretch, so its features depend on nothing but itself.
    A subclass gives ``analyse``: samples ``(batch, time)`` to features ``(batch, frequency,
    frames)``, row by row.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    offset, seconds : float
        Start and duration (s) of the stretch; ``int(seconds * sample_rate)`` samples.
    """

    def __init__(self, sample_rate, offset, seconds):
        super().__init__()
        self.sample_rate = sample_rate
        self.skip = int(offset * sample_rate)
        self.n_samples = int(seconds * sample_rate)

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
            ``(batch, frequency, frames)``.
        lengths : Tensor
            ``(batch,)``, frames; the same for all clips.
        """
        stretch = fixed_stretch(waveforms, lengths, self.skip, self.n_samples)
        features = one_by_one(self.analyse, stretch)
        return features, torch.full_like(lengths, features.shape[-1])

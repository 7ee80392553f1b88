"""Measures of single frames: where a spectrum lies, how flat it is, how loud and busy a signal.

Source: the definitions of librosa's ``spectral_centroid``, ``spectral_bandwidth``,
``spectral_flatness``, ``rms`` and ``zero_crossing_rate`` with their defaults, and of A. Klapuri
and M. Davy (2006), Signal Processing Methods for Music Transcription, chapter 5.
"""

import torch
from torch.nn import functional as F

# A frame is four hops long, so that measures of hops add up to measures of frames.
_HOPS = 4


def centroid(magnitude, hertz):
    """Centre of gravity of every frame's spectrum.

    Arguments
    ---------
    magnitude : Tensor
        ``(bins, frames)``.
    hertz : Tensor
        ``(bins,)``, frequency of every bin (Hz).

    Returns
    -------
    Tensor
        ``(frames,)``, Hz; 0 in silence.
    """
    return hertz @ _shares(magnitude)


def bandwidth(magnitude, hertz):
    """Standard deviation of every frame's spectrum around its centroid.

    Arguments
    ---------
    magnitude : Tensor
        ``(bins, frames)``.
    hertz : Tensor
        ``(bins,)``, frequency of every bin (Hz).

    Returns
    -------
    Tensor
        ``(frames,)``, Hz; 0 in silence.
    """
    shares = _shares(magnitude)
    away = hertz[:, None] - hertz @ shares
    return (shares * away.square()).sum(dim=0).sqrt()


def flatness(power, floor=1e-10):
    """Geometric mean of every frame's power spectrum, divided by the arithmetic one.

    Arguments
    ---------
    power : Tensor
        ``(bins, frames)``.
    floor : float
        Power below it counts as this much.

    Returns
    -------
    Tensor
        ``(frames,)`` in (0, 1]; 1 in silence.
    """
    audible = power.clamp(min=floor)
    return audible.log().mean(dim=0).exp() / audible.mean(dim=0)


def loudness(clip, hop_length):
    """Root mean square of centred frames of four hops, edges padded with zeros.

    Arguments
    ---------
    clip : Tensor
        ``(samples,)``.
    hop_length : int
        Samples.

    Returns
    -------
    Tensor
        ``(1 + samples // hop_length,)``.
    """
    squares = _sums_of_hops(clip.square(), hop_length)
    return (squares.unfold(0, _HOPS, 1).sum(dim=1) / (_HOPS * hop_length)).sqrt()


def crossing_rate(clip, hop_length, threshold=1e-10):
    """Share of samples that have another sign than the one before, in centred frames of four hops.

    Before and after the clip its first and last sample go on, so nothing crosses there. The first
    sample of a frame has none before it in the frame and never counts.

    Arguments
    ---------
    clip : Tensor
        ``(samples,)``.
    hop_length : int
        Samples.
    threshold : float
        Values this close to zero, or closer, are taken for (positive) zero.

    Returns
    -------
    Tensor
        ``(1 + samples // hop_length,)`` in [0, 1).
    """
    negative = clip < -threshold
    crossings = F.pad((negative[1:] != negative[:-1]).to(clip.dtype), (1, 0))
    counts = _sums_of_hops(crossings, hop_length).unfold(0, _HOPS, 1).sum(dim=1)
    # Frame t begins two hops before sample t * hop_length.
    at_start = F.pad(crossings[::hop_length], (_HOPS // 2, 0))[: len(counts)]
    return (counts - at_start) / (_HOPS * hop_length)


def _shares(magnitude):
    """Every bin's share of its frame; zeros stay zeros."""
    total = magnitude.sum(dim=0)
    return magnitude / total.masked_fill(total < torch.finfo(total.dtype).tiny, 1.0)


def _sums_of_hops(values, hop_length):
    """Sums over all hops that centred frames of ``values (samples,)`` touch, zeros outside."""
    hops = 1 + len(values) // hop_length + _HOPS - 1
    before = hop_length * _HOPS // 2
    padded = F.pad(values, (before, max(0, hops * hop_length - before - len(values))))
    return padded[: hops * hop_length].reshape(hops, hop_length).sum(dim=1)

"""Mel filter banks: the Slaney scale of librosa's defaults, and the HTK one of torchaudio's."""

import math

import torch


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
    edges = mel_to_hz(
        torch.linspace(hz_to_mel(fmin), hz_to_mel(fmax), n_mels + 2, dtype=torch.float64)
    )
    triangles = _triangles(edges, sample_rate, n_fft)
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).float()


def htk_mel_filters(sample_rate, n_fft, n_mels, fmin, fmax):
    """HTK mel filter bank ``(n_mels, n_fft // 2 + 1)``, float32, triangles of height 1.

    Source: S. Young et al., The HTK Book, section 5.6: ``mel = 2595 log10(1 + hz / 700)``.

    Arguments
    ---------
    sample_rate, fmin, fmax : float
        Hz.
    n_fft, n_mels : int
        FFT points and bands.
    """
    low, high = (2595.0 * math.log10(1.0 + hz / 700.0) for hz in (fmin, fmax))
    mels = torch.linspace(low, high, n_mels + 2, dtype=torch.float64)
    return _triangles(700.0 * (10.0 ** (mels / 2595.0) - 1.0), sample_rate, n_fft).float()


def filter_bands(filters, rows=16):
    """Where the numbers of a filter bank are that are not 0, a few filters at a time.

    Arguments
    ---------
    filters : Tensor
        ``(bands, bins)``; neighbours overlap, so that most of each row is 0.
    rows : int
        Filters in a block.

    Returns
    -------
    list of tuple of int
        First filter of a block and the one after its last, first bin and the one after the last.
    """
    blocks = []
    for first in range(0, len(filters), rows):
        bins = filters[first : first + rows].any(dim=0).nonzero().flatten().tolist() or [0]
        blocks.append((first, min(first + rows, len(filters)), bins[0], bins[-1] + 1))
    return blocks


def filtered(filters, power, blocks):
    """``filters @ power``; on a CPU without most of the products with 0.

    Arguments
    ---------
    filters : Tensor
        ``(bands, bins)``.
    power : Tensor
        ``(..., bins, frames)``.
    blocks : list of tuple of int
        Of these filters, from :func:`filter_bands`.

    Returns
    -------
    Tensor
        ``(..., bands, frames)``.
    """
    if power.device.type != "cpu":
        return filters @ power
    parts = [filters[a:b, low:high] @ power[..., low:high, :] for a, b, low, high in blocks]
    return torch.cat(parts, dim=-2)


def _triangles(edges, sample_rate, n_fft):
    """Triangles of height 1 over the FFT bins, each from one edge (Hz) to the next but one."""
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    slopes = edges[:, None] - bins[None, :]
    widths = edges.diff()
    rising = -slopes[:-2] / widths[:-1, None]
    falling = slopes[2:] / widths[1:, None]
    return torch.minimum(rising, falling).clamp(min=0)


_BREAK_HZ, _BREAK_MEL, _HZ_PER_MEL = 1000.0, 15.0, 200.0 / 3.0
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz):
    """Slaney mels (float) of a frequency in Hz (float)."""
    if hz < _BREAK_HZ:
        return hz / _HZ_PER_MEL
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP


def mel_to_hz(mels):
    """Frequencies in Hz of Slaney mels, both Tensors of any shape."""
    above = _BREAK_HZ * torch.exp(_LOG_STEP * (mels - _BREAK_MEL))
    return torch.where(mels < _BREAK_MEL, mels * _HZ_PER_MEL, above)

"""Mean of a clip's harmonic part, as nodes of an ONNX graph.

What is computed, and where it comes from, is told in :mod:`ser_lib.features.harmonic`.
"""

import numpy as np

from ser_lib.features.harmonic import _END_FRAMES, _KERNEL, _OVERLAP
from ser_lib.use.onnx_parts.spectra import fourier


def harmonic_mean(g, real, imaginary, magnitude, window, length):
    """Mean over samples (no axes) of spectra ``(frames, bins)`` of a clip of ``length``."""
    frames = magnitude.size(0)
    every = g.range(frames)
    inner = g.op("And", every >= _END_FRAMES, every < frames - _END_FRAMES)
    mask = _mask(g, magnitude, g.const(np.arange(2)), every)
    masked = inner.unsqueeze(1).where(real.cut(0, 2, axis=1) * mask, 0.0)
    # See the original: bins 0 and 1 of a Hann window's transform, and four of them overlapping.
    total = (masked * np.array([1.0, -1.0])).sum() / 2 / 1.5
    many = frames.at_most(2 * _END_FRAMES)
    place = g.range(many)
    ends = (place < _END_FRAMES).where(place, frames - many + place)
    return (total + _of_ends(g, real, imaginary, magnitude, window, ends, length)) / length.cast(
        np.float32
    )


def _of_ends(g, real, imaginary, magnitude, window, ends, length):
    """Sum of samples that the first and the last frames make.

    A sum of products with a signal is one of products with its spectrum (Parseval), so that nothing
    is transformed back.
    """
    n_fft, hop, last = len(window), len(window) // _OVERLAP, magnitude.size(0) - 1
    blocks = ends.unsqueeze(1) + np.arange(_OVERLAP)
    owners = blocks.unsqueeze(2) - np.arange(_OVERLAP)
    present = g.op("And", owners >= 0, owners <= last).cast(np.float32)
    overlap = (present @ np.square(window).reshape(_OVERLAP, hop)).reshape(-1, n_fft)
    place = (ends * hop).unsqueeze(1) + (np.arange(n_fft) - n_fft // 2)
    inside = g.op("And", place >= 0, place < length)
    shares = inside.where(1.0 / overlap * window, 0.0)
    cosines, sines = (part.squeeze(0) for part in fourier(g, shares.unsqueeze(0), n_fft))
    products = real.take(ends) * cosines + imaginary.take(ends) * sines
    twice = np.full(n_fft // 2 + 1, 2.0)
    twice[[0, -1]] = 1.0
    bins = g.const(np.arange(n_fft // 2 + 1))
    return (products * twice * _mask(g, magnitude, bins, ends)).sum() / n_fft


def _mask(g, magnitude, bins, frames):
    """Soft mask ``(frames, bins)`` of the harmonic part at some bins and frames."""
    reach = np.arange(_KERNEL) - _KERNEL // 2
    along_time = _mirrored(g, frames.unsqueeze(1) + reach, magnitude.size(0))
    along_frequency = _mirrored(g, bins.unsqueeze(1) + reach, magnitude.size(1))
    harmonic = magnitude.take(bins, axis=1).transpose(1, 0).take(along_time, axis=1)
    percussive = magnitude.take(frames, axis=0).take(along_frequency, axis=1)
    harmonic, percussive = _median(g, harmonic).transpose(1, 0), _median(g, percussive)
    larger = harmonic.at_least(percussive)
    silent = larger < np.finfo(np.float32).tiny
    larger = silent.where(1.0, larger)
    harmonic, percussive = (harmonic / larger).square(), (percussive / larger).square()
    mask = harmonic / silent.where(1.0, harmonic + percussive)
    return silent.where(0.5, mask)


def _median(g, values):
    """Median over the last axis, of length ``_KERNEL``."""
    middle = _KERNEL // 2 + 1
    best, _ = g.op("TopK", values, g.list(middle), outputs=2, axis=2, dtype=[np.float32, np.int64])
    return best.take(middle - 1, axis=2)


def _mirrored(g, index, size):
    folded = g.op("Mod", index, size * 2)
    return folded.at_most(size * 2 - 1 - folded)

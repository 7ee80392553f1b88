"""Spectra of frames and what several front ends make of them, as nodes of an ONNX graph."""

import numpy as np


def numbers(tensor):
    """A module's buffer as an array."""
    return tensor.detach().cpu().numpy()


def fixed_stretch(g, front_end, waveforms, lengths):
    """``(batch, n_samples)``: the same stretch of every clip, silence where a clip has ended."""
    start, samples = front_end.skip, front_end.n_samples
    padded = waveforms.pad(0, start + samples, axis=1, axes=2)
    stretch = padded.cut(start, start + samples, axis=1)
    inside = g.op("Range", *np.array([start, start + samples, 1])) < lengths.unsqueeze(1)
    return inside.where(stretch, 0.0)


def spectrum(g, samples, window, n_fft, hop, centred=True):
    """Real and imaginary part ``(batch, frames, bins)`` of frames of ``samples (batch, time)``.

    Arguments
    ---------
    window : ndarray
        As long as a frame or shorter, then centred in it.
    centred : bool
        Whether silence goes before and after, half a frame of it.
    """
    before = (n_fft - len(window)) // 2
    window = np.pad(window, (before, n_fft - len(window) - before)).astype(samples.dtype)
    if centred:
        samples = samples.pad(n_fft // 2, n_fft // 2, axis=1, axes=2)
    frames = framed(g, samples, n_fft, hop)
    return fourier(g, frames if (window == 1).all() else frames * window, n_fft)


def framed(g, samples, length, hop):
    """Frames ``(batch, frames, length)`` of ``samples (batch, time)``, whole ones only."""
    frames = (samples.size(1) - length) / hop + 1
    # Many slices are slower than looking every sample up.
    if length % hop or length > 8 * hop:
        index = (g.range(frames) * hop).unsqueeze(1) + np.arange(length)
        return samples.take(index, axis=1)
    hops = frames + (length // hop - 1)
    whole = samples.cut(0, hops * hop, axis=1).reshape(0, hops, hop)
    return g.concat([whole.cut(k, frames + k, axis=1) for k in range(length // hop)], 2)


def fourier(g, frames, n):
    """Real and imaginary part of the lower half of the spectrum of real ``(batch, frames, n)``.

    Two products with small matrices, as J. W. Cooley and J. W. Tukey (1965) divide a transform of
    ``n = a * b`` points: several times as fast here as ONNX's own operator, which is exact only
    where ``n`` is a power of 2.
    """
    dtype = frames.dtype
    a = max(k for k in range(1, int(n**0.5) + 1) if n % k == 0)
    b = n // a
    half = b // 2 + 1
    one = np.exp(-2j * np.pi / a * np.outer(np.arange(a), np.arange(a)))
    turn = np.exp(-2j * np.pi / n * np.outer(np.arange(a), np.arange(b)))
    two = np.exp(-2j * np.pi / b * np.outer(np.arange(b), np.arange(half)))
    first = np.concatenate([one.real, one.imag]).astype(dtype)
    made = g.const(first) @ frames.reshape(0, -1, a, b)
    real, imaginary = made.cut(0, a, axis=2), made.cut(a, 2 * a, axis=2)
    cosine, sine = turn.real.astype(dtype), turn.imag.astype(dtype)
    turned = [real * cosine - imaginary * sine, real * sine + imaginary * cosine]
    second = np.block([[two.real, two.imag], [-two.imag, two.real]]).astype(dtype)
    made = g.concat(turned, 3) @ second
    halves = (made.cut(0, half, axis=3), made.cut(half, 2 * half, axis=3))
    rows = (part.transpose(0, 1, 3, 2).reshape(0, 0, a * half) for part in halves)
    return tuple(row.cut(0, n // 2 + 1, axis=2) for row in rows)


def transform(window, bins=None, dtype=np.float32):
    """Matrix ``(points, 2 * bins)`` from a frame to the real and the imaginary part of its bins.

    Arguments
    ---------
    window : ndarray
        ``(points,)``.
    bins : ndarray, optional
        Which; all of a real signal's by default.
    """
    points = len(window)
    bins = np.arange(points // 2 + 1) if bins is None else bins
    angle = -2 * np.pi / points * (np.arange(points)[:, None] * bins % points)
    both = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    return (window.astype(np.float64)[:, None] * both).astype(dtype)


def power(g, samples, window, n_fft, hop, centred=True):
    """Power ``(batch, frames, bins)``; see :func:`spectrum`."""
    real, imaginary = spectrum(g, samples, window, n_fft, hop, centred)
    return real.square() + imaginary.square()


def absolute(real, imaginary):
    """Magnitude without squares of the faintest numbers, which would underflow."""
    one, other = real.abs(), imaginary.abs()
    large, small = one.at_least(other), one.at_most(other)
    share = small / (large > 0).where(large, 1.0)
    return large * (share.square() + 1.0).sqrt()


def below_loudest(decibels, top_db):
    """Decibels ``(..., )``, none more than ``top_db`` below the largest of the last two axes."""
    return decibels.at_least(decibels.max(-2, -1, keep=True) - top_db)


def shares(magnitude):
    """Every bin's share of its frame ``(frames, bins)``; zeros stay zeros."""
    total = magnitude.sum(-1, keep=True)
    silent = total < np.finfo(np.float32).tiny
    return magnitude / silent.where(1.0, total)


def centroid(magnitude, hertz):
    """Centre of gravity (Hz) of every frame's spectrum ``(frames, bins)``: ``(frames, 1)``."""
    return shares(magnitude) @ hertz[:, None]


def bandwidth(magnitude, hertz):
    """Standard deviation (Hz) of every frame's spectrum around its centroid: ``(frames, 1)``."""
    share = shares(magnitude)
    away = -(share @ hertz[:, None]) + hertz
    return (share * away.square()).sum(-1, keep=True).sqrt()

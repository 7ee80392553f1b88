"""Spectral peaks, tuning, chroma and contrast of a clip, as nodes of an ONNX graph.

Spectra are ``(frames, bins)`` here, float32. See the modules of the same names in
:mod:`ser_lib.features` for what is computed and where it comes from.
"""

import numpy as np

from ser_lib.features import chroma as original
from ser_lib.features.pitch import _band, _histogram_edges, _rounded_up
from ser_lib.features.spectral_contrast import contrast_bands
from ser_lib.use.onnx_parts.spectra import numbers

_EDGES = _histogram_edges(0.01)
_TINY = np.finfo(np.float32).tiny


def peaks(g, spectrum, sample_rate, n_fft, fmin, fmax):
    """Where the peaks are (bool), their frequencies (Hz) and heights: ``(frames, band)`` each."""
    bins = n_fft // 2 + 1
    first, end = _band(sample_rate, n_fft, fmin, fmax)
    width, band = sample_rate / n_fft, end - first
    around = spectrum.cut(first - 1, min(end + 1, bins), axis=1)
    if end == bins:
        around = around.pad(0, 1, axis=1, axes=2)
    audible = (around > spectrum.max(1, keep=True) * 0.1).where(around, 0.0)
    below, here, above = (audible.cut(k, k + band, axis=1) for k in range(3))
    found = g.op("And", here > below, here >= above)
    below, here, above = (around.cut(k, k + band, axis=1) for k in range(3))
    slope, curve = (above - below) / 2, above + below - here * 2
    number = np.arange(first, end)
    bends = g.op("And", slope.abs() < curve.abs(), g.const(number < bins - 1))
    shift = bends.where(-slope / curve, 0.0)
    pitches = shift * width + number.astype(np.float32) * np.float32(width)
    return found, pitches, here + slope * shift / 2


def tuning(g, spectrum, sample_rate, n_fft, steps):
    """Cell of the clip's tuning, 50 for A440's own, of the louder half of the peaks."""
    found, pitches, heights = peaks(g, spectrum, sample_rate, n_fft, 150.0, 4000.0)
    heights, pitches = (g.op("Compress", values, found) for values in (heights, pitches))
    count = heights.size(0)
    # One more than all, so that there is a first one.
    lowest = g.const(np.full(1, -np.inf, np.float32))
    ordered, _ = g.op(
        "TopK",
        g.concat([heights, lowest], 0),
        g.list(count + 1),
        outputs=2,
        axis=0,
        dtype=[np.float32, np.int64],
    )
    one, other = ((count - 1 - k / 2).at_least(0) for k in (count - 1, count))
    median = (ordered.take(one) + ordered.take(other)) / 2
    return cell(g, g.op("Compress", pitches, heights >= median), steps)


def cell(g, frequencies, steps):
    """The fullest hundredth of a step that ``frequencies (n,)`` lie from A440's scale, int64.

    Frequencies that are not positive are left out; 50, which is no deviation, of none.
    """
    frequencies = g.op("Compress", frequencies, frequencies > 0)
    octaves = (frequencies / 27.5).cast(np.float64).log() * (1 / np.log(2))
    places = octaves.cast(np.float32) * steps
    deviation = places - places.floor()
    deviation = (deviation >= 0.5).where(deviation - 1.0, deviation)
    edges = numbers(_rounded_up(_EDGES, _like()))[1:-1]
    beyond = (deviation.unsqueeze(1) >= edges).cast(np.int64).sum(0)
    count = g.list(frequencies.size(0))
    counts = g.concat([count, beyond], 0) - g.concat([beyond, g.const(np.zeros(1, np.int64))], 0)
    fullest = g.op("ArgMax", counts, axis=0, keepdims=0, dtype=np.int64)
    return (frequencies.size(0) > 0).where(fullest, 50)


def deviation_of(g, index, dtype):
    """Deviation in steps that a cell stands for."""
    return g.const(np.array(_EDGES[:-1], dtype)).take(index)


def chroma(g, spectrum, sample_rate, n_fft, index):
    """Chroma ``(frames, 12)`` of a spectrum with the tuning of cell ``index``."""
    bins = np.arange(1, n_fft // 2 + 1) * (sample_rate / n_fft)
    octaves = np.log2(bins / (440.0 / 16))
    octaves = np.concatenate([octaves[:1] - 1.5, octaves])
    further = np.log2((n_fft // 2 + 1) * (sample_rate / n_fft) / (440.0 / 16))
    widths = np.maximum(np.diff(12 * np.append(octaves, further)), 1.0)
    classes = (np.arange(12) + 3) % 12
    shift = deviation_of(g, index, np.float64)
    octaves = g.const(octaves) - shift / 12
    places = (octaves * 12).unsqueeze(1) - classes + 6.0
    distance = places - (places / 12).floor() * 12.0 - 6.0
    gaussians = ((distance / widths[:, None] * 2).square() * -0.5).exp()
    gaussians = gaussians / gaussians.square().sum(1, keep=True).sqrt()
    centre, width = original._CENTRE_OCTAVE, original._OCTAVE_WIDTH
    middle = (((octaves - centre) / width).square() * -0.5).exp()
    filters = (gaussians * middle.unsqueeze(1)).cast(np.float32)
    return by_largest(spectrum @ filters)


def by_largest(classes):
    """Rows divided by their largest value, where that is a normal number."""
    largest = classes.max(1, keep=True)
    return classes / (largest < _TINY).where(1.0, largest)


def contrast(g, magnitude, sample_rate, n_fft):
    """Spectral contrast ``(frames, 7)``, dB."""
    peaks, valleys = [], []
    for first, last, count in contrast_bands(sample_rate, n_fft):
        band = magnitude.cut(first, last, axis=1)
        for found, largest in ((peaks, 1), (valleys, 0)):
            best, _ = g.op(
                "TopK",
                band,
                g.list(count),
                outputs=2,
                axis=1,
                largest=largest,
                sorted=0,
                dtype=[np.float32, np.int64],
            )
            found.append(best.mean(1, keep=True))
    peaks, valleys = (_decibels(g.concat(found, 1)) for found in (peaks, valleys))
    return peaks - valleys


def _decibels(values):
    decibels = values.decibels(1e-10)
    return decibels.at_least(decibels.max() - 80.0)


def _like():
    import torch

    return torch.zeros(0)

"""Pitches of spectral peaks, and how far a recording is tuned from A440.

A bin of a spectrum that rises above both neighbours, and above a tenth of its frame's loudest
bin, is a peak; a parabola through the three gives the peak's frequency between the bins.

Source: J. O. Smith, Spectral Audio Signal Processing, "Quadratic Interpolation of Spectral
Peaks"; B. McFee et al. (2015), librosa, whose rules for edges, ties and thresholds are kept so
that the estimates agree with those of librosa 0.11.
"""

import functools
import math

import torch
from torch.nn import functional as F

_A440 = 440.0


def piptrack(magnitude, sample_rate, n_fft, fmin=150.0, fmax=4000.0, threshold=0.1):
    """Frequency and height of every spectral peak of every frame.

    Arguments
    ---------
    magnitude : Tensor
        ``(bins, frames)``, magnitude or power spectrum, ``bins = n_fft // 2 + 1``.
    sample_rate : int
        Hz.
    n_fft : int
        FFT points.
    fmin, fmax : float
        Bins from ``fmin`` to just under ``fmax`` (Hz) can be peaks.
    threshold : float
        A peak is higher than this share of its frame's maximum.

    Returns
    -------
    pitches : Tensor
        ``(bins, frames)``, Hz at the peaks' bins, 0 elsewhere.
    magnitudes : Tensor
        ``(bins, frames)``, height of the interpolated peaks, 0 elsewhere.

    Raises
    ------
    ValueError
        If the spectrum has not ``n_fft // 2 + 1`` bins.
    """
    where, pitches, heights = _peaks(magnitude, sample_rate, n_fft, fmin, fmax, threshold)
    empty = torch.zeros_like(magnitude)
    return empty.index_put(where, pitches), empty.index_put(where, heights)


def pitch_tuning(frequencies, resolution=0.01, bins_per_octave=12):
    """The most frequent deviation of frequencies from a scale tuned to A440.

    Arguments
    ---------
    frequencies : Tensor
        ``(n,)``, Hz; those that are not positive are left out.
    resolution : float
        Step of the estimate, as a fraction of a bin, in (0, 1).
    bins_per_octave : int
        Steps of the scale in an octave.

    Returns
    -------
    float
        Fraction of a bin in ``[-0.5, 0.5)``; 0.0 if there is no frequency.

    Raises
    ------
    ValueError
        If ``resolution`` is not between 0 and 1, or ``bins_per_octave`` is not positive.
    """
    if not 0 < resolution < 1 or bins_per_octave < 1:
        raise ValueError("need 0 < resolution < 1 and bins_per_octave >= 1")
    frequencies = frequencies[frequencies > 0]
    if frequencies.numel() == 0:
        return 0.0
    bins = bins_per_octave * (frequencies / (_A440 / 16)).log2()
    deviation = bins.remainder(1.0)
    deviation = torch.where(deviation >= 0.5, deviation - 1.0, deviation)
    edges = _histogram_edges(resolution)
    # The right edge, 0.5 itself, is out of reach: every value lies in one of the cells.
    cells = torch.bucketize(deviation, _rounded_up(edges, deviation)[1:-1], right=True)
    return edges[int(torch.bincount(cells).argmax())]


def estimate_tuning(magnitude, sample_rate, n_fft, resolution=0.01, bins_per_octave=12):
    """Deviation of a spectrum's louder half of peaks (150 to 4000 Hz) from A440's scale.

    Arguments
    ---------
    magnitude : Tensor
        ``(bins, frames)``, magnitude or power spectrum.
    sample_rate : int
        Hz.
    n_fft : int
        FFT points.
    resolution, bins_per_octave
        As in :func:`pitch_tuning`.

    Returns
    -------
    float
        Fraction of a bin in ``[-0.5, 0.5)``; 0.0 if there is no peak.

    Raises
    ------
    ValueError
        As :func:`piptrack` and :func:`pitch_tuning` do.
    """
    _, pitches, heights = _peaks(magnitude, sample_rate, n_fft, 150.0, 4000.0, 0.1)
    if heights.numel():
        ordered = heights.sort().values
        middle = len(ordered) // 2
        # torch.median would take the lower of the two middle ones.
        median = (ordered[(len(ordered) - 1) // 2] + ordered[middle]) / 2
        pitches = pitches[heights >= median]
    return pitch_tuning(pitches, resolution, bins_per_octave)


def _peaks(spectrum, sample_rate, n_fft, fmin, fmax, threshold):
    """Where the peaks are (bins, frames), their frequencies (Hz) and heights, each ``(n,)``."""
    n_bins = n_fft // 2 + 1
    if spectrum.shape[0] != n_bins:
        raise ValueError(f"a {n_fft}-point spectrum has {n_bins} bins, not {spectrum.shape[0]}")
    first, end = _band(sample_rate, n_fft, fmin, fmax)
    # One bin more at either side; beyond the last bin nothing follows.
    around = spectrum[first - 1 : end + 1]
    if end == n_bins:
        around = F.pad(around, (0, 0, 0, 1))
    audible = torch.where(around > threshold * spectrum.amax(dim=0), around, 0)
    peaks = (audible[1:-1] > audible[:-2]) & (audible[1:-1] >= audible[2:])
    row, frame = peaks.nonzero(as_tuple=True)

    below, here, above = (around[row + step, frame] for step in range(3))
    slope = (above - below) / 2
    curve = above + below - 2 * here
    # A shift of a bin or more means that the parabola's top is not here.
    bends = (slope.abs() < curve.abs()) & (row + first < n_bins - 1)
    shift = torch.where(bends, -slope / curve, 0)
    # Two products: the sum of a bin's number and its shift would round the shift's last digits.
    width = sample_rate / n_fft
    pitches = (row + first).to(shift.dtype) * width + shift * width
    return (row + first, frame), pitches, here + slope * shift / 2


@functools.lru_cache(maxsize=64)
def _band(sample_rate, n_fft, fmin, fmax):
    """First bin that can be a peak from ``fmin`` to just under ``fmax`` Hz, and the one after the
    last. The very first bin has no lower neighbour and cannot.
    """
    spacing = 1.0 / (n_fft * (1.0 / sample_rate))
    top = min(fmax, sample_rate / 2)
    band = [k for k in range(1, n_fft // 2 + 1) if fmin <= k * spacing < top]
    return (band[0], band[-1] + 1) if band else (1, 1)


def _histogram_edges(resolution):
    """Edges (list of float) of equal cells from -0.5 to 0.5, at most ``resolution`` wide."""
    n_cells = math.ceil(1.0 / resolution)
    return [-0.5 + i * (1.0 / n_cells) for i in range(n_cells)] + [0.5]


def _rounded_up(edges, like):
    """``edges`` in the precision of ``like``, none below its float64 value, so that a comparison
    with them comes out as it would in float64.
    """
    exact = torch.tensor(edges, dtype=torch.float64)
    near = exact.to(like.dtype)
    upward = torch.nextafter(near, torch.full_like(near, math.inf))
    return torch.where(near.double() < exact, upward, near).to(like.device)

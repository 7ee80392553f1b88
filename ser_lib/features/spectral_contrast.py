"""Spectral contrast: the distance from peaks to valleys of a spectrum, octave by octave.

Source: D.-N. Jiang et al. (2002), Music type classification by spectral contrast feature, ICME,
with the settings of librosa's ``spectral_contrast``: one band below 200 Hz, octaves above it, the
last one open to half the sample rate; the mean of the strongest and of the weakest 2 % of the
bins of a band, as the difference of ten times their logarithms. (Of magnitudes, as the library
does it, so these decibels are half of what the word promises.)
"""

import functools
import math

import torch
from torch.nn import functional as F

from ser_lib.features.framing import power_to_db

_GROUP = 6


def spectral_contrast(magnitude, sample_rate, n_fft, fmin=200.0, n_bands=6, quantile=0.02):
    """Contrast of every frame of one clip.

    Peaks and valleys are kept within 80 dB of the clip's highest, so all of a clip's frames must
    come together.

    Arguments
    ---------
    magnitude : Tensor
        ``(n_fft // 2 + 1, frames)``, magnitude spectrum.
    sample_rate : float
        Hz.
    n_fft : int
        FFT points.
    fmin : float
        Upper edge of the lowest band (Hz).
    n_bands : int
        Octaves above it.
    quantile : float
        Share of a band's bins that makes its peak, and its valley.

    Returns
    -------
    Tensor
        ``(n_bands + 1, frames)``, dB.

    Raises
    ------
    ValueError
        If a setting is out of range or a band would begin beyond half the sample rate.
    """
    bands = contrast_bands(sample_rate, n_fft, fmin, n_bands, quantile)
    # Bins of a frame side by side: selecting from short contiguous rows is fast.
    frames = magnitude.T.contiguous()
    extremes = []
    for first, last, count in bands:
        band = frames[:, first:last]
        # The smallest are the largest of the negative: one selection finds both.
        both = _largest(torch.cat([band, -band]), count).mean(dim=1)
        extremes.append(both.unflatten(0, (2, -1)))
    peaks, valleys = torch.stack(extremes, dim=1)
    # Magnitudes are taken for power, as librosa takes them: see above.
    return power_to_db(peaks) - power_to_db(-valleys)


@functools.lru_cache(maxsize=16)
def contrast_bands(sample_rate, n_fft, fmin=200.0, n_bands=6, quantile=0.02):
    """Bands as tuples of first bin, bin after the last, and bins that make a peak.

    Arguments
    ---------
    sample_rate, n_fft, fmin, n_bands, quantile
        As for :func:`spectral_contrast`.

    Returns
    -------
    tuple of tuple of int

    Raises
    ------
    ValueError
        If a setting is out of range or a band would begin beyond half the sample rate.
    """
    if fmin <= 0 or n_bands < 1 or not 0 < quantile < 1:
        raise ValueError("need fmin > 0 Hz, n_bands >= 1 and 0 < quantile < 1")
    edges = [0.0] + [fmin * 2.0**octave for octave in range(n_bands + 1)]
    if edges[-2] >= sample_rate / 2:
        raise ValueError(
            f"the last contrast band begins at {edges[-2]:g} Hz, beyond half the sample rate "
            f"({sample_rate / 2:g} Hz): take fewer bands or a lower fmin"
        )
    bins = n_fft // 2 + 1
    # Rounded as the library rounds it, for edges that fall on a bin.
    spacing = 1.0 / (n_fft * (1.0 / sample_rate))
    bands = []
    for number, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        inside = [b for b in range(bins) if low <= b * spacing <= high]
        if not inside:
            raise ValueError(f"n_fft of {n_fft} leaves the band {low:g} to {high:g} Hz empty")
        # The library's edges: a band takes in the bin below it; the quantile counts all bins,
        # but all bands except the open one then leave out their last.
        first = inside[0] - (number > 0)
        last = bins if number == n_bands else inside[-1] + 1
        count = max(round(quantile * (last - first)), 1)
        last -= number < n_bands
        if last <= first:
            raise ValueError(f"n_fft of {n_fft} leaves the band {low:g} to {high:g} Hz empty")
        bands.append((first, last, min(count, last - first)))
    return tuple(bands)


def _largest(rows, count):
    """The ``count`` largest values of every row of ``rows (n, values)``, in any order."""
    if count == 1:
        return rows.amax(dim=1, keepdim=True)
    if rows.shape[1] < 16 * count:
        return rows.topk(count, dim=1, sorted=False).values
    # The largest values lie in the groups with the largest maxima, so that most values need not
    # be looked at twice.
    groups = F.pad(rows, (0, -rows.shape[1] % _GROUP), value=-math.inf).unflatten(1, (_GROUP, -1))
    best = groups.amax(dim=1).topk(count, dim=1, sorted=False).indices
    candidates = groups.gather(2, best[:, None].expand(-1, _GROUP, -1)).flatten(1)
    return candidates.topk(count, dim=1, sorted=False).values

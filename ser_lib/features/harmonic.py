"""Mean of the harmonic part of a clip, without making the harmonic part.

Median filters along time and along frequency tell the steady partials of a voice from clicks
and breaths; the ratio of the two is a soft mask on the spectrum. Of the masked spectrum's inverse
transform only the mean over samples is wanted here, and a mean is linear: every frame adds the
product of its masked bins with the transform of the window. A Hann window has three bins that
are not zero, so all frames but those near the ends need bins 0 and 1 and no others.

Source: D. Fitzgerald (2010), Harmonic/percussive separation using median filtering, DAFx, with
the settings of librosa's ``effects.hpss``: kernels of 31 frames and 31 bins, mirrored at the
edges with the edge repeated; squared ratio; overlap-add divided by the sum of squared windows.
"""

import functools

import torch

_KERNEL = 31
_OVERLAP = 4
# Frames at either end that reach beyond the clip, or where fewer than four frames overlap.
_END_FRAMES = _OVERLAP - 1


def harmonic_mean(spectrum, magnitude, window, length):
    """Mean over samples of a clip's harmonic part.

    Arguments
    ---------
    spectrum : Tensor
        ``(n_fft // 2 + 1, frames)``, complex; centred frames with a hop of ``n_fft // 4``, edges
        padded with zeros.
    magnitude : Tensor
        ``(n_fft // 2 + 1, frames)``, its absolute value.
    window : Tensor
        ``(n_fft,)``, periodic Hann.
    length : int
        Samples of the clip; ``frames`` is ``1 + length // hop``.

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        If the number of frames is not that of a clip of ``length``, or ``n_fft`` is not four hops.
    """
    n_fft, frames = len(window), spectrum.shape[1]
    hop = n_fft // _OVERLAP
    if n_fft != _OVERLAP * hop or length < 1 or frames != 1 + length // hop:
        raise ValueError(f"{frames} frames of {n_fft} samples are not those of {length} samples")
    # In a short clip the two ends meet, and every frame is one of them.
    inner = torch.arange(_END_FRAMES, max(frames - _END_FRAMES, _END_FRAMES))
    ends = [t for t in range(frames) if t < _END_FRAMES or t >= frames - _END_FRAMES]
    total = _sum_of_inner(spectrum, magnitude, inner.to(spectrum.device))
    total = total + _sum_of_ends(spectrum, magnitude, window, ends, length)
    return total / length


def harmonic_mask(magnitude, bins, frames):
    """Soft mask of the harmonic part at some bins and frames of a spectrum.

    Arguments
    ---------
    magnitude : Tensor
        ``(bins, frames)``, the whole spectrum.
    bins, frames : Tensor
        ``(n,)`` and ``(m,)``, int64, where the mask is wanted.

    Returns
    -------
    Tensor
        ``(n, m)`` in [0, 1]; 0.5 where there is silence all around.
    """
    # Bins of a frame side by side, as they come from the transform: whole frames move at once.
    columns = magnitude.T
    reach = torch.arange(_KERNEL, device=magnitude.device)[:, None] - _KERNEL // 2
    along_time = _mirrored(frames + reach, columns.shape[0])
    along_frequency = _mirrored(bins + reach, columns.shape[1])
    harmonic = columns[:, bins][along_time]
    percussive = columns[frames][:, along_frequency].transpose(0, 1)
    harmonic, percussive = _median(torch.stack([harmonic, percussive], dim=1))
    larger = torch.maximum(harmonic, percussive)
    silent = larger < torch.finfo(magnitude.dtype).tiny
    larger = larger.masked_fill(silent, 1.0)
    # Divided before they are squared: squares of quiet bins would underflow.
    harmonic, percussive = (harmonic / larger).square(), (percussive / larger).square()
    mask = harmonic / (harmonic + percussive).masked_fill(silent, 1.0)
    return mask.masked_fill(silent, 0.5).T


def _sum_of_inner(spectrum, magnitude, frames):
    """Sum of the samples that full overlap makes of ``frames`` (n,)."""
    lowest = torch.arange(2, device=spectrum.device)
    masked = spectrum.real[:2, frames] * harmonic_mask(magnitude, lowest, frames)
    # Hann's transform is n/2 at bin 0 and -n/4 beside it; the sum of squares of four overlapping
    # Hann windows is 3/2.
    return (masked[0] - masked[1]).sum() / 2 / 1.5


def _sum_of_ends(spectrum, magnitude, window, frames, length):
    """Sum of the samples of a clip of ``length`` that ``frames`` (list of int) contribute."""
    n_fft, device = len(window), spectrum.device
    hop = n_fft // _OVERLAP
    last = spectrum.shape[1] - 1
    index = torch.tensor(frames, device=device)
    mask = harmonic_mask(magnitude, torch.arange(spectrum.shape[0], device=device), index)
    samples = torch.fft.irfft(spectrum[:, index] * mask, n=n_fft, dim=0).T * window
    # Blocks of one hop: frame t lies on blocks t to t + 3, if there is a frame t.
    blocks = index[:, None] + torch.arange(_OVERLAP, device=device)
    owners = blocks[:, :, None] - torch.arange(_OVERLAP, device=device)
    present = ((owners >= 0) & (owners <= last)).to(window.dtype)
    overlap = (present @ window.square().reshape(_OVERLAP, hop)).reshape(len(frames), n_fft)
    position = index[:, None] * hop + torch.arange(n_fft, device=device) - n_fft // 2
    inside = (position >= 0) & (position < length)
    return torch.where(inside, samples / overlap, 0).sum()


def _median(values):
    """Median over the first axis, of odd length.

    The same number as from :func:`torch.median`, but on a CPU five times as fast when there are
    thousands of short rows: the compare-exchanges of a sorting network run over all of them.
    """
    rows = list(values)
    for low, high, low_matters, high_matters in _selection_network(len(rows)):
        pair = rows[low], rows[high]
        if low_matters:
            rows[low] = torch.minimum(*pair)
        if high_matters:
            rows[high] = torch.maximum(*pair)
    return rows[len(rows) // 2]


@functools.lru_cache(maxsize=8)
def _selection_network(size):
    """Comparators that bring the median of ``size`` values to the middle: tuples of the places
    for the smaller and the larger value, and whether either is looked at later.

    Source: K. E. Batcher (1968), Sorting networks and their applications (odd-even merge sort),
    without the comparators that do not reach the middle.
    """
    comparators = []
    run = 1
    while run < size:
        step = run
        while step >= 1:
            for low in range(size - step):
                paired = (low - step % run) % (2 * step) < step and low >= step % run
                if paired and low // (2 * run) == (low + step) // (2 * run):
                    comparators.append((low, low + step))
            step //= 2
        run *= 2
    wanted, selection = {size // 2}, []
    for low, high in reversed(comparators):
        if low in wanted or high in wanted:
            selection.append((low, high, low in wanted, high in wanted))
            wanted |= {low, high}
    return tuple(reversed(selection))


def _mirrored(index, size):
    """``index`` (int64, any shape) folded into ``[0, size)``, the edges repeated."""
    folded = index.remainder(2 * size)
    return torch.minimum(folded, 2 * size - 1 - folded)

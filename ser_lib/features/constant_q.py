"""Constant-Q transform: a spectrum with 36 bins in every octave, from C1 to B7.

Source: C. Schörkhuber and A. Klapuri (2010), Constant-Q transform toolbox for music processing,
SMC; details (windows, lengths, sparsity, scaling, frames) as in librosa's ``cqt`` called by its
``chroma_cqt``. Every octave is analysed by the same bank of filters, on a signal of half the
sample rate of the octave above it.
"""

import functools
import math

import torch
from torch.nn import functional as F

from ser_lib.features.half_rate import half_rate

OCTAVES, STEPS = 7, 36
_C1 = 440.0 * 2.0 ** (-45 / 12)
_SPARSITY = 0.01
# Equivalent noise bandwidth of a Hann window, in bins.
_HANN_BANDWIDTH = 1.5


def constant_q(samples, sample_rate, tuning, hop_length=512):
    """Magnitude of the constant-Q transform of one clip, frames centred, edges in silence.

    Arguments
    ---------
    samples : Tensor
        ``(time,)``, at least one.
    sample_rate : float
        Hz; 10,500 or more.
    tuning : float
        Deviation from A440, in 36ths of an octave.
    hop_length : int
        Samples between frames, a multiple of 64.

    Returns
    -------
    Tensor
        ``(252, 1 + time // hop_length)``, lowest bin first.

    Raises
    ------
    ValueError
        If the sample rate is too low for the highest bin, or the hop cannot be halved six times.
    """
    if sample_rate < 10_500 or hop_length < 64 or hop_length % 64:
        raise ValueError("need sample_rate >= 10,500 Hz and a hop_length that is a multiple of 64")
    halvings = _early_halvings(sample_rate, tuning, hop_length)
    for _ in range(halvings):
        samples = math.sqrt(2) * half_rate(samples)
    hop = hop_length >> halvings
    count = 1 + len(samples) // hop
    first, bank, n_fft = constant_q_bank(sample_rate / 2**halvings, float(tuning), samples.device)
    octaves = []
    # Octave by octave: what one of them needs stays in a processor's cache.
    for octave in range(OCTAVES):
        if octave:
            samples, hop = math.sqrt(2) * half_rate(samples), hop // 2
        padded = F.pad(samples, (n_fft // 2, n_fft // 2))
        spectra = torch.fft.rfft(padded.unfold(0, n_fft, hop)[:count])
        octaves.append((spectra[:, first : first + len(bank)] @ bank).abs().T)
    return torch.cat(octaves[::-1])


@functools.lru_cache(maxsize=256)
def constant_q_bank(sample_rate, tuning, device):
    """Filters of the highest octave in the frequency domain; the others' are the same numbers.

    Kept between calls: a clip's tuning is one of a hundred values.

    Arguments
    ---------
    sample_rate : float
        Hz.
    tuning : float
        Deviation from A440, in 36ths of an octave.
    device : torch.device
        Where the bank is wanted.

    Returns
    -------
    first : int
        FFT bin of the bank's first row.
    bank : Tensor
        ``(bins, 36)``, complex64, a column for every filter; all other bins are 0.
    n_fft : int
        FFT points.
    """
    # Not inference tensors, whoever is the first to ask: the next one may want gradients.
    with torch.inference_mode(False), torch.device("cpu"):
        steps = torch.arange(STEPS, dtype=torch.float64)[:, None]
        hertz = _C1 * 2.0 ** (OCTAVES - 1 + (steps + tuning) / STEPS)
        lengths = _q() * sample_rate / hertz
        n_fft = 2 ** math.ceil(math.log2(lengths[0]))
        # Whole numbers of samples around the middle of the frame, one more before it than after.
        reach = (lengths / 2).floor()
        times = torch.arange(-n_fft // 2, n_fft // 2, dtype=torch.float64)
        phase = (times + reach + 1) / (2 * reach + 1)
        window = (0.5 - 0.5 * torch.cos(2 * math.pi * phase)) * ((phase >= 0) & (phase < 1))
        # Relative to the window's length, then to the square root of it: an orthonormal scale.
        window *= lengths.sqrt() / n_fft / window.sum(dim=1, keepdim=True)
        waves = torch.polar(window, times * (2 * math.pi / sample_rate) * hertz)
        bank = _without_the_faintest(torch.fft.fft(waves)[:, : n_fft // 2 + 1])
        used = bank.abs().sum(dim=0).nonzero().flatten()
        first, end = int(used[0]), int(used[-1]) + 1
        bank = bank[:, first:end].T.to(torch.complex64)
        return first, bank.contiguous().to(device), n_fft


def _without_the_faintest(spectra):
    """``spectra (filters, bins)`` without the faintest bins of each, 1 % of its magnitude."""
    magnitude = spectra.abs()
    ordered = magnitude.sort(dim=1).values
    share = ordered.cumsum(dim=1) / ordered.sum(dim=1, keepdim=True)
    faintest = ordered.gather(1, (share < _SPARSITY).sum(dim=1, keepdim=True))
    return torch.where(magnitude >= faintest, spectra, 0)


def _early_halvings(sample_rate, tuning, hop_length):
    """How often the rate can be halved before the highest octave is analysed."""
    top = _C1 * 2.0 ** (OCTAVES + (tuning - 1) / STEPS)
    cutoff = top * (1 + 0.5 * _HANN_BANDWIDTH / _q())
    room = math.ceil(math.log2(sample_rate / 2 / cutoff)) - 2
    spare = (hop_length & -hop_length).bit_length() - OCTAVES
    return max(min(room, spare), 0)


def _q():
    """Centre frequency over bandwidth."""
    ratio = 2.0 ** (2 / STEPS)
    return (ratio + 1) / (ratio - 1)

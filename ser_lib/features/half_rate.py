"""Halving a sample rate, for transforms that look at every octave at a rate of its own.

Source: the windowed-sinc design of J. F. Kaiser (1974), ISCAS. The response has the edges of
soxr's high quality, librosa's resampler: flat to 91.3 % of the new band, 120 dB down at its end.
"""

import functools
import math

import torch
from torch.nn import functional as F

_FLAT, _STOPPED, _DEPTH = 0.913, 1.0, 120.0
_BLOCK = 64


def half_rate(samples):
    """Every second sample of the low-passed signal; silence stays exact silence.

    Arguments
    ---------
    samples : Tensor
        ``(time,)``.

    Returns
    -------
    Tensor
        ``(ceil(time / 2),)``; its first sample stands where the first sample stood.
    """
    # As a matrix product over blocks of outputs: several times as fast as a strided convolution
    # of a single channel.
    matrix = _matrix(samples.device)
    wanted = (len(samples) + 1) // 2
    span, edge = matrix.shape[0], (matrix.shape[0] - 2 * _BLOCK + 1) // 2
    blocks = -(-wanted // _BLOCK)
    total = 2 * _BLOCK * (blocks - 1) + span
    padded = F.pad(samples, (edge, total - edge - len(samples)))
    return (padded.unfold(0, span, 2 * _BLOCK) @ matrix).flatten()[:wanted]


@functools.lru_cache(maxsize=8)
def _matrix(device):
    """Matrix from a stretch of input to ``_BLOCK`` outputs."""
    with torch.inference_mode(False), torch.device("cpu"):
        taps = _taps()
        matrix = torch.zeros(2 * (_BLOCK - 1) + len(taps), _BLOCK, dtype=torch.float64)
        for output in range(_BLOCK):
            matrix[2 * output : 2 * output + len(taps), output] = taps
        return matrix.float().to(device)


def _taps():
    """Impulse response, an odd number of taps with a sum of 1, float64."""
    # In fractions of the old sample rate the new band ends at 1/4.
    width = (_STOPPED - _FLAT) / 4
    reach = math.ceil((_DEPTH - 7.95) / (2.285 * 2 * math.pi * width) / 2)
    times = torch.arange(-reach, reach + 1, dtype=torch.float64)
    beta = 0.1102 * (_DEPTH - 8.7)
    window = torch.special.i0(beta * (1 - (times / reach).square()).clamp(min=0).sqrt())
    taps = torch.sinc((_STOPPED + _FLAT) / 4 * times) * window
    return taps / taps.sum()

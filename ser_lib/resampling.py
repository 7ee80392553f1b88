"""Windowed-sinc resampling as one product of matrices.

Source: J. O. Smith, Digital Audio Resampling Home Page; window, width and roll-off are the
defaults of ``torchaudio.transforms.Resample``, whose filters are used as they are. It convolves
with a stride, which PyTorch does slowly on a CPU; the same sums are a product of frames of the
signal with a matrix, several times as fast.
"""

import functools

import numpy as np
import torch

# Outputs a frame, at least: fewer leave a processor idle, more multiply by more zeros.
_WIDE = 16


def sinc_resample(waveform, up, down):
    """Resample by a ratio of whole numbers.

    Arguments
    ---------
    waveform : np.ndarray
        float32, ``(..., samples)``.
    up, down : int
        Coprime; the new rate is ``up / down`` of the old one.

    Returns
    -------
    np.ndarray
        float32, ``(..., ceil(samples * up / down))``.
    """
    before, step, matrix = _filters(up, down)
    samples = waveform.shape[-1]
    wanted = -(-samples * up // down)
    if not waveform.size:
        return np.zeros((*waveform.shape[:-1], wanted), np.float32)
    frames = -(-wanted // matrix.shape[1])
    # As much silence and signal as the frames cover: the last sample may not be heard any more.
    whole = np.zeros((*waveform.shape[:-1], (frames - 1) * step + len(matrix)), np.float32)
    heard = min(samples, whole.shape[-1] - before)
    whole[..., before : before + heard] = waveform[..., :heard]
    with torch.no_grad():
        made = torch.from_numpy(whole).unfold(-1, len(matrix), step) @ matrix
    return made.flatten(-2)[..., :wanted].contiguous().numpy()


@functools.lru_cache(maxsize=16)
def _filters(up, down):
    """Samples of silence ahead, samples from frame to frame, and the matrix ``(in, out)``."""
    from torchaudio.transforms import Resample

    with torch.inference_mode(False), torch.device("cpu"):
        transform = Resample(down, up)
        filters = transform.kernel[:, 0].T
        taps, periods = len(filters), -(-_WIDE // up)
        matrix = torch.zeros(taps + (periods - 1) * down, periods * up)
        for period in range(periods):
            row, column = period * down, period * up
            matrix[row : row + taps, column : column + up] = filters
    return transform.width, periods * down, matrix

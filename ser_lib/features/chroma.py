"""Chroma: how the energy of a spectrum is spread over the twelve pitch classes, C to B.

Source: D. P. W. Ellis (2007), Chroma feature analysis and synthesis, with the settings of
librosa's ``chroma_stft``: a Gaussian around every pitch class, never narrower than a semitone; a
broad Gaussian over the octaves, centred on the fifth above 27.5 Hz, that favours the middle of
the range; the whole scale shifted by the tuning of the clip.
"""

import functools

import torch

_CLASSES = 12
_CENTRE_OCTAVE, _OCTAVE_WIDTH = 5.0, 2.0


def chroma(power, sample_rate, n_fft, tuning):
    """Chroma of every frame, divided by the frame's largest class.

    Arguments
    ---------
    power : Tensor
        ``(n_fft // 2 + 1, frames)``, power spectrum.
    sample_rate : float
        Hz.
    n_fft : int
        FFT points.
    tuning : float
        Deviation from A440, in semitones.

    Returns
    -------
    Tensor
        ``(12, frames)`` from 0 to 1; 0 throughout a frame of silence.
    """
    classes = chroma_filters(sample_rate, n_fft, float(tuning), power.device) @ power
    return by_largest(classes)


def by_largest(classes):
    """Columns of ``classes (n, frames)``, none negative, divided by their largest value.

    A column without a normal number is left as it is.
    """
    largest = classes.amax(dim=0)
    tiny = torch.finfo(classes.dtype).tiny
    return classes / torch.where(largest < tiny, torch.ones_like(largest), largest)


@functools.lru_cache(maxsize=256)
def chroma_filters(sample_rate, n_fft, tuning, device):
    """Filter bank ``(12, n_fft // 2 + 1)``, float32, first row C.

    Kept between calls: a clip's tuning is one of a hundred values.

    Arguments
    ---------
    sample_rate : float
        Hz.
    n_fft : int
        FFT points.
    tuning : float
        Deviation from A440, in semitones.
    device : torch.device
        Where the bank is wanted.
    """
    # Not an inference tensor, whoever is the first to ask: the next one may want gradients.
    with torch.inference_mode(False), torch.device("cpu"):
        bins = torch.arange(1, n_fft, dtype=torch.float64) * (sample_rate / n_fft)
        octaves = torch.log2(bins / (440.0 * 2.0 ** (tuning / _CLASSES) / 16))
        # 0 Hz has no pitch; an octave and a half below the first bin keeps it out of the way.
        octaves = torch.cat([octaves[:1] - 1.5, octaves])
        semitones = _CLASSES * octaves
        widths = torch.cat([semitones.diff().clamp(min=1.0), torch.ones(1, dtype=torch.float64)])
        classes = torch.arange(_CLASSES, dtype=torch.float64)[:, None]
        half = _CLASSES / 2
        distance = torch.remainder(semitones - classes + half, _CLASSES) - half
        gaussians = torch.exp(-0.5 * (2 * distance / widths).square())
        gaussians /= gaussians.square().sum(dim=0).sqrt()
        gaussians *= torch.exp(-0.5 * ((octaves - _CENTRE_OCTAVE) / _OCTAVE_WIDTH).square())
        # The scale is counted from A; three semitones further down the list it begins with C.
        filters = gaussians.roll(-3, dims=0)[:, : n_fft // 2 + 1]
        return filters.float().contiguous().to(device)

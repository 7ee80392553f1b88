"""Front ends that average or draw a whole clip: one clip at a time, ``(time,)``, never empty."""

import numpy as np

from ser_lib.features import spectrogram_picture as picture
from ser_lib.use.onnx_parts.spectra import (
    absolute,
    bandwidth,
    below_loudest,
    centroid,
    numbers,
    power,
    spectrum,
)


def mfcc_means(g, front_end, clip):
    """As :class:`ser_lib.features.mfcc_means.MFCCMeans`: ``(features, 1)``."""
    settings = numbers(front_end.window), front_end.n_fft, front_end.hop_length
    magnitude = absolute(*spectrum(g, clip.unsqueeze(0), *settings)).squeeze(0)
    decibels = below_loudest(
        (magnitude.square() @ numbers(front_end.filters).T).decibels(1e-10), 80.0
    )
    means = decibels.mean(0, keep=True) @ numbers(front_end.cosines).T
    if front_end.with_centroid:
        if settings[1:] != (2048, 512):
            settings = numbers(front_end.shape_window), 2048, 512
            magnitude = absolute(*spectrum(g, clip.unsqueeze(0), *settings)).squeeze(0)
        hertz = numbers(front_end.hertz)
        tracks = [centroid(magnitude, hertz), bandwidth(magnitude, hertz)]
        means = g.concat([means, g.concat(tracks, 1).mean(0, keep=True)], 1)
    return means.transpose(1, 0)


def spectrogram_picture(g, front_end, clip):
    """As :class:`ser_lib.features.spectrogram_picture.SpectrogramPicture`: ``(3, 224, 224)``."""
    settings = numbers(front_end.window), front_end.n_fft, front_end.hop_length
    mel = power(g, clip.unsqueeze(0), *settings).squeeze(0) @ numbers(front_end.filters).T
    decibels = (mel.decibels(1e-10) - mel.max().decibels(1e-10)).at_least(-front_end.top_db)
    low, high = decibels.min(), decibels.max()
    # Cells are at most 80 dB apart: divided by a smaller number, equal ones are still 0.
    steps = (decibels - low) / (high - low).at_least(1e-30) * 256
    levels = steps.floor().at_least(0.0).at_most(255.0).cast(np.int64)
    levels = levels.pad(0, 1, axis=0, axes=2, value=256).pad(0, 1, axis=1, axes=2, value=256)
    frames = decibels.size(0)
    columns = np.arange(picture._WIDTH)
    before, breadth = int(picture._LEFT), int(2 * (picture._RIGHT - picture._LEFT))
    inside = g.const((columns > before) & (columns < picture._RIGHT))
    # Only columns inside are asked, where nothing is negative and division rounds down.
    shown = (frames * (2 * np.maximum(columns - before, 1)) - 1) / breadth
    shown = inside.where(shown, frames)
    drawing = levels.take(shown, axis=0).take(numbers(front_end.bands), axis=1).transpose(1, 0)
    colours = g.const(numbers(front_end.colours).astype(np.float32)).take(drawing)
    cut = _resized(colours, 1, picture._CUT_LEFT)
    cut = _resized(cut, 0, picture._CUT_TOP)
    made = (cut / 255.0 - numbers(front_end.mean)) / numbers(front_end.deviation)
    return made.transpose(2, 0, 1)


def _resized(colours, axis, start):
    places = (np.arange(start, start + picture._SIZE) + 0.5) * picture._SCALE - 0.5
    first = places.astype(np.int64)
    weights = (places - first).reshape(-1, *[1] * (2 - axis)).astype(np.float32)
    one, other = (colours.take(index, axis=axis) for index in (first, first + 1))
    return (one + (other - one) * weights + 0.5).floor()


def fbank(g, front_end, clip):
    """As :class:`ser_lib.features.fbank.MeanFreeFbank`: ``(n_mels, frames)``."""
    made, stft = front_end.fbank, front_end.fbank.compute_STFT
    settings = numbers(stft.window), stft.n_fft, stft.hop_length
    real, imaginary = spectrum(g, clip.unsqueeze(0), *settings)
    energy = (real.square() + imaginary.square()).squeeze(0)
    decibels = (energy @ _filters(made.compute_fbanks)).decibels(made.compute_fbanks.amin)
    decibels = below_loudest(decibels, made.compute_fbanks.top_db)
    return (decibels - decibels.mean(0, keep=True)).transpose(1, 0)


def _filters(bank):
    """SpeechBrain's filters ``(bins, bands)``, which it makes anew at every call."""
    bins = bank.all_freqs_mat.shape[1]
    middle = bank.f_central.repeat(bins, 1).transpose(0, 1)
    breadth = bank.band.repeat(bins, 1).transpose(0, 1)
    return numbers(bank._create_fbank_matrix(middle, breadth))

"""Whatever a person calls sound, as one float32 channel at the rate a model wants."""

import numbers
import os

import numpy as np

from ser_lib.audio import HIGHEST_RATE, LOWEST_RATE, read_audio, resample
from ser_lib.errors import AudioError

# The receptive field of wav2vec 2.0's encoder, and one analysis frame of a spectrogram.
SHORTEST = 0.025
_MOST_CHANNELS = 8


def to_waveform(source, model_rate, sampling_rate=None):
    """One clip, decoded, mixed to one channel and resampled.

    Arguments
    ---------
    source : object
        A path, bytes or a binary file object (wav, flac, mp3, ogg, aiff); ``(array, rate)``; what
        a column ``datasets.Audio()`` holds (torchcodec's ``AudioDecoder``);
        an array or tensor, with ``sampling_rate``; or a dict with ``sampling_rate`` and ``raw``
        or ``array``, or with ``path`` or ``bytes`` and optionally ``start`` and ``end`` in s, as
        in ``datasets.Audio(decode=False)`` and in our manifests. Arrays are ``(samples,)``,
        ``(samples, channels)`` or ``(channels, samples)``; integer ones are PCM and are scaled.
    model_rate : int
        Wanted rate in Hz.
    sampling_rate : int, optional
        Rate in Hz of an array that does not bring its own; files tell theirs.

    Returns
    -------
    np.ndarray
        float32, ``(samples,)``.

    Raises
    ------
    AudioError
        If it is not sound, has no known rate, is empty, shorter than 25 ms or not finite.
    """
    if isinstance(source, dict):
        waveform, rate = _from_dict(source, sampling_rate)
    elif isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(
        source, "read"
    ):
        waveform, rate = read_audio(source)
    elif isinstance(source, tuple) and len(source) == 2:
        waveform, rate = mono(source[0]), source[1]
    elif hasattr(source, "get_all_samples"):
        heard = source.get_all_samples()
        waveform, rate = mono(heard.data), heard.sample_rate
    elif hasattr(source, "__array__"):
        waveform, rate = mono(source), sampling_rate
    else:
        raise AudioError(
            f"a {type(source).__name__} is not sound; give a path, bytes, a file object, "
            "(array, rate) or an array with sampling_rate=..."
        )
    if getattr(rate, "ndim", None) == 0:  # of a dataset that is formatted as arrays or tensors
        rate = rate.item()
    if rate is None:
        raise AudioError("an array does not tell its rate; add sampling_rate=... in Hz")
    if not isinstance(rate, numbers.Real) or not 0 < rate < float("inf") or rate != int(rate):
        raise AudioError(f"a sampling rate is a positive whole number of Hz, not {rate!r}")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"{rate:g} Hz is no rate of speech; {LOWEST_RATE} to {HIGHEST_RATE} are")
    if len(waveform) < SHORTEST * rate:
        raise AudioError(
            f"{1000 * len(waveform) / rate:g} ms of sound are too short; give 25 ms or more"
        )
    return resample(waveform, int(rate), model_rate)


def _from_dict(source, sampling_rate):
    """Waveform and rate of a dict; see :func:`to_waveform`."""
    rate = source.get("sampling_rate", sampling_rate)
    for key in ("raw", "array"):
        if source.get(key) is not None:
            return mono(source[key]), rate
    file = source["bytes"] if source.get("bytes") is not None else source.get("path")
    if file is None:
        raise AudioError(
            f"a dict with the keys {sorted(map(str, source))} is not sound; give 'array' and "
            "'sampling_rate', or 'path', or 'bytes'"
        )
    return read_audio(file, source.get("start"), source.get("end"))


def mono(array):
    """Samples of an array as float32 ``(samples,)``, channels averaged and integers scaled.

    Arguments
    ---------
    array : array-like
        ``(samples,)``, ``(samples, channels)`` or ``(channels, samples)``; numpy, torch or lists
        of floats; bfloat16, float or 8, 16, 32-bit integer PCM.

    Raises
    ------
    AudioError
        If the shape or type is that of no sound, or a sample is not finite.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        # numpy has no bfloat16.
        array = (array.float() if array.is_floating_point() else array).numpy()
    try:
        array = np.asarray(array)
    except (TypeError, ValueError) as error:
        raise AudioError("sound is (samples,) or (samples, channels), of numbers") from error
    if array.ndim == 2:
        channels = int(np.argmin(array.shape))
        if array.shape[0] == array.shape[1] or array.shape[channels] > _MOST_CHANNELS:
            raise AudioError(
                f"cannot tell channels from samples in the shape {array.shape}; give one channel"
            )
    elif array.ndim != 1:
        raise AudioError(f"sound is (samples,) or (samples, channels), not of shape {array.shape}")
    if array.size == 0:
        raise AudioError("the array holds no samples; give 25 ms of sound or more")
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 4:
        scale = 2.0 ** (8 * array.dtype.itemsize - 1)
        # Unsigned PCM rests at the middle of its range.
        array = array / scale - (1.0 if array.dtype.kind == "u" else 0.0)
    elif array.dtype.kind != "f":
        raise AudioError(
            f"samples of type {array.dtype} have no known full scale; give floats in [-1, 1] or "
            "8, 16 or 32-bit integers"
        )
    if array.ndim == 2:
        array = array.mean(axis=channels)
    if not np.isfinite(array).all():
        raise AudioError("the array holds NaN or infinite samples; mend or leave out the clip")
    return np.ascontiguousarray(array, dtype=np.float32)

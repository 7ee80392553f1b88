"""Targets that hear: bytes to logits, whole and in windows, and the hash of a corpus's clip."""

import functools
import io
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from fuzz.models import small_model
from ser_lib.audio import inspect
from ser_lib.use.windows import timeline

_FORMATS = (
    *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAVEX", None)),
    *(("RF64", "PCM_24"), ("FLAC", None), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)),
    *(("AIFF", None), ("W64", None), ("AU", None), ("CAF", None)),
)


@functools.cache
def examples():
    """A twentieth of a second of a tone in every container (list of bytes)."""
    time = np.arange(400) / 8000
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    found = []
    for container, subtype in _FORMATS:
        file = io.BytesIO()
        stereo = np.stack([tone, tone], axis=1) if container == "FLAC" else tone
        soundfile.write(file, stereo, 8000, format=container, subtype=subtype)
        found.append(file.getvalue())
    return found


def logits(data):
    """Decode bytes and classify them; the answer is one of finite numbers."""
    answer = _classifier()(data)
    if not np.isfinite([row["score"] for row in answer]).all():
        raise ArithmeticError("a score is not finite")


def windows(data):
    """The same in windows, which decode piece by piece."""
    found = timeline(_classifier(), data, window=0.5, hop=0.25)
    if not np.isfinite(found.probabilities).all():
        raise ArithmeticError("a probability is not finite")


def clip(data):
    """What a corpus's manifest is told of a clip."""
    told = inspect(data)
    if not (told.frames > 0 and told.sample_rate > 0 and np.isfinite(told.duration)):
        raise ArithmeticError(f"{told}")


@functools.cache
def _classifier():
    import ser_lib

    folder = Path(tempfile.mkdtemp(prefix="ser-fuzz-"))
    return ser_lib.load(small_model(folder / "model"), device="cpu", num_workers=0)

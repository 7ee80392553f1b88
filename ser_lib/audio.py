"""Sound files to arrays, and a refusal with a reason for files that only look like sound.

libsndfile (through ``soundfile``) decodes wav, flac, mp3, ogg and aiff with nothing else to
install. It forgives more than research can afford: a WAV file that lost its second half is read
without a word. So the header is compared with what is there, and samples must be finite.

Truncation is found in WAV (RIFF, RIFX, RF64) and FLAC. MP3 and Ogg do not reliably say how long
they are, so a shortened one can pass.
"""

import dataclasses
import hashlib
import math
import os
import re
import stat
from pathlib import Path

import numpy as np
import soundfile

from ser_lib.audio_header import SteadyBytes, check_header
from ser_lib.errors import AudioError

# One filter an output phase; above this many taps in all (24 414 Hz to 16 000 Hz needs 98 million)
# that takes seconds a clip.
_LARGEST_FILTER_BANK = 1_000_000
#: Rates that can be read, in Hz. Speech is recorded from 4 kHz up; far below, a small file stands
#: for hours of sound, which would be resampled to gigabytes. Above, there are recorders of bats.
LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
# At once: three hours of 48 kHz, one channel, in 2 GiB. A megabyte of FLAC can hold a year.
_MOST_SAMPLES = 1 << 29
# What a header promises is not allocated before it has come.
_BLOCK = 1 << 22
# Full scale is 1, or 32768 or 2 ** 31 where someone forgot to divide; a square must stay finite.
_LOUDEST = 2.0**32
# Two letters at least: one is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclasses.dataclass(frozen=True, slots=True)
class AudioInfo:
    """What :func:`inspect` found: sample_rate in Hz, channels, frames (samples a channel),
    duration in s, and sha256 (hex) of the decoded samples.
    """

    sample_rate: int
    channels: int
    frames: int
    duration: float
    sha256: str


def read_audio(source, start=None, end=None):
    """Decode a file, or a stretch of it, to one channel.

    Arguments
    ---------
    source : str, os.PathLike, bytes or binary file object
        wav, flac, mp3, ogg or aiff.
    start : float, optional
        Where to begin, in s; the beginning of the file by default.
    end : float, optional
        Where to stop, in s; the end of the file by default.

    Returns
    -------
    waveform : np.ndarray
        float32, shape (samples,), full scale is 1.0; channels are averaged.
    sample_rate : int
        The file's own rate in Hz.

    Raises
    ------
    AudioError
        If there is no such file, it is not sound, is truncated, holds no samples, or NaN, infinite
        or absurdly loud ones, has a rate that no speech has, is too long to be read at once, or
        does not reach from ``start`` to ``end``. An mp3 or ogg that was cut off cannot be told
        from a shorter one; what is there is decoded.
    """
    name, opened = _open(source)
    with opened as sound:
        rate = sound.samplerate
        first, last = _stretch(name, sound, start, end)
        waveform = _decode(name, sound, "float32", first, last)
    return _one_channel(waveform), rate


def read_blocks(source, seconds):
    """Decode a file piece by piece, so that a long one needs little memory.

    Arguments
    ---------
    source : str, os.PathLike, bytes or binary file object
        As for :func:`read_audio`.
    seconds : float
        Length of a piece in s; the last one may be shorter.

    Yields
    ------
    waveform : np.ndarray
        float32, shape (samples,), one sample or more; end to end they are :func:`read_audio`'s.
    sample_rate : int
        The file's own rate in Hz.

    Raises
    ------
    AudioError
        As :func:`read_audio`, but what is wrong late in a file is found when it is reached.
    """
    name, opened = _open(source)
    with opened as sound:
        rate, left = sound.samplerate, sound.frames
        step = max(1, round(seconds * rate))
        while True:
            wanted = min(step, left)
            # An unknown or empty length is for _decode to refuse.
            samples = _decode(name, sound, "float32", 0, wanted if 0 < left < 2**62 else None)
            yield _one_channel(samples), rate
            left -= wanted
            if left <= 0 or len(samples) < wanted:
                return


def inspect(path):
    """Decode a whole file, check it as :func:`read_audio` does, and describe it.

    The hash covers rate, channels and the samples as little-endian 32-bit integers, so a wav
    file and its FLAC copy share it while container, tags and file name do not count.

    Arguments
    ---------
    path : str, os.PathLike, bytes or binary file object
        As for :func:`read_audio`.

    Returns
    -------
    AudioInfo

    Raises
    ------
    AudioError
        As :func:`read_audio`.
    """
    name, opened = _open(path)
    with opened as sound:
        rate, channels = sound.samplerate, sound.channels
        if sound.subtype.startswith("PCM_"):
            samples = _decode(name, sound, "int32")
        else:
            # libsndfile casts floats to integers without scaling them, so scale here.
            scaled = np.rint(_decode(name, sound, "float64") * 2.0**31)
            samples = np.clip(scaled, -(2.0**31), 2.0**31 - 1).astype(np.int32)
    digest = hashlib.sha256(f"{rate} Hz, {channels} channels\n".encode())
    digest.update(np.ascontiguousarray(samples, dtype="<i4").data)
    frames = len(samples)
    return AudioInfo(rate, channels, frames, frames / rate, digest.hexdigest())


def resample(waveform, orig_hz, new_hz):
    """Change the sample rate by windowed-sinc interpolation.

    The numbers are those of torchaudio, and so of the stock pipelines of Transformers, except
    where the two rates share so few factors that a filter bank would not fit a cache; there
    ``scipy.signal.resample_poly`` does it.

    Arguments
    ---------
    waveform : np.ndarray
        float32, shape (..., samples).
    orig_hz : int
        The waveform's rate in Hz.
    new_hz : int
        The wanted rate in Hz.

    Returns
    -------
    np.ndarray
        float32, shape (..., ceil(samples * new_hz / orig_hz)); the input itself where the rates
        are equal.

    Raises
    ------
    AudioError
        If a rate is not a positive whole number of Hz.
    """
    for rate in (orig_hz, new_hz):
        if not 0 < rate < math.inf or rate != int(rate):
            raise AudioError(f"a sample rate is a positive whole number of Hz, not {rate!r}")
    orig_hz, new_hz = int(orig_hz), int(new_hz)
    waveform = np.asarray(waveform, dtype=np.float32)
    if orig_hz == new_hz:
        return waveform
    common = math.gcd(orig_hz, new_hz)
    up, down = new_hz // common, orig_hz // common
    if up * down > _LARGEST_FILTER_BANK:
        import scipy.signal

        return scipy.signal.resample_poly(waveform, up, down, axis=-1).astype(np.float32)
    from ser_lib.resampling import sinc_resample

    return sinc_resample(waveform, up, down)


def _open(source):
    """(name for messages, open SoundFile) of a source whose header has passed the checks."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        _check_file(source, path)
        name = str(path)
        try:
            with path.open("rb") as stream:
                patched = check_header(name, stream)
        except OSError as error:
            raise AudioError(f"{path} cannot be read: {error.strerror}") from error
        # As bytes, because soundfile itself fails on names that are no UTF-8; Windows has none.
        file = patched or (name if os.name == "nt" else os.fsencode(name))
        if path.suffix.lower() == ".raw":
            raise AudioError(f"{path} has no header that tells its rate; convert it to wav or flac")
    else:
        if isinstance(source, (bytes, bytearray, memoryview)):
            name, data = "what was given as bytes", bytes(source)
        elif hasattr(source, "read"):
            name, data = str(getattr(source, "name", "the given file object")), source.read()
            if not isinstance(data, bytes):
                raise AudioError(f"{name} was opened as text; open it with mode 'rb'")
        else:
            raise AudioError(
                f"cannot read sound from {type(source).__name__}; give a path, bytes or a file"
            )
        stream = SteadyBytes(data)
        file = check_header(name, stream) or stream
        stream.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{name} is not a sound file: {_reason(error)}; wav, flac, mp3, ogg and aiff can be "
            "read, so convert it"
        ) from error
    if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
        sound.close()
        raise AudioError(
            f"{name} has a rate of {sound.samplerate} Hz; speech has {LOWEST_RATE} to "
            f"{HIGHEST_RATE}. Convert it again"
        )
    return name, sound


def _check_file(source, path):
    """AudioError where a path, as it was given and as a Path, is no ordinary file."""
    given = os.fsdecode(source)
    if not given:
        raise AudioError("the name of a sound file is empty; give its path")
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        if _URL.match(given):
            # A Path would show it with one slash.
            raise AudioError(
                f"{given}: addresses are not fetched; download it and give the file"
            ) from error
        raise AudioError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise AudioError(f"{path} cannot be read: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        raise AudioError(f"{path} is a folder; give a sound file")
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        # Its sound comes once, and a file is opened several times.
        raise AudioError(
            f"{path} is a pipe, not a file; save the sound to a file (`python -m ser_lib predict` "
            "reads a pipe as -, its standard input)"
        )
    if not stat.S_ISREG(mode):
        raise AudioError(f"{path} is a device, not a file; give a sound file")


def _stretch(name, sound, start, end):
    """First frame and frame after the last (None: to the end) of a stretch given in s."""
    if not all(place is None or math.isfinite(place) for place in (start, end)):
        raise AudioError(f"{name}: start={start}, end={end} (s) is no stretch of sound")
    first = 0 if start is None else round(start * sound.samplerate)
    last = None if end is None else round(end * sound.samplerate)
    stop = sound.frames if last is None else last
    if first < 0 or stop > sound.frames or (first >= stop and sound.frames > 0):
        raise AudioError(
            f"{name} has {sound.frames / sound.samplerate:g} s of sound; the stretch "
            f"start={start}, end={end} (s) does not lie within it"
        )
    return first, last


def _decode(name, sound, dtype, first=0, last=None):
    """Samples (frames, channels) of an open SoundFile, complete and finite, or an AudioError."""
    if not 0 <= sound.frames <= 2**62:  # libsndfile's way to say that a header leaves it open
        raise AudioError(
            f"{name} does not say how long it is (written to a pipe?); re-encode it to a file"
        )
    wanted = (sound.frames if last is None else last) - first
    if wanted * sound.channels > _MOST_SAMPLES:
        raise AudioError(
            f"{name} holds {wanted / sound.samplerate / 3600:.3g} h of sound in {sound.channels} "
            "channels, which is too much at once; cut it into pieces"
        )
    block, parts, left = max(1, _BLOCK // sound.channels), [], wanted
    try:
        if first:
            sound.seek(first)
        while left > 0 or not parts:
            parts.append(sound.read(min(left, block), dtype=dtype, always_2d=True))
            left -= len(parts[-1])
            if len(parts[-1]) < block:
                break
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{name} is truncated or damaged: {_reason(error)}; copy or download it again"
        ) from error
    samples = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if len(samples) == 0:
        raise AudioError(f"{name} holds no samples; leave it out or record it again")
    if len(samples) < wanted and not sound.subtype.startswith("MPEG"):
        raise AudioError(
            f"{name} is truncated: {wanted} frames are promised and {len(samples)} are there; "
            "copy or download it again"
        )
    if samples.dtype.kind == "f":
        highest, lowest = samples.max(), samples.min()  # NaN where there is one
        if not (np.isfinite(highest) and np.isfinite(lowest)):
            raise AudioError(f"{name} holds NaN or infinite samples; export it again")
        if max(highest, -lowest) > _LOUDEST:
            raise AudioError(
                f"{name} holds samples billions of times over full scale; export it again"
            )
    return samples


def _one_channel(samples):
    """Mean of the channels of (frames, channels) samples, float32, contiguous."""
    if samples.shape[1] == 1:
        return np.ascontiguousarray(samples[:, 0])
    return samples.mean(axis=1, dtype=np.float32)


def _reason(error):
    """libsndfile's own words, which are empty for some of its newer error numbers."""
    return error.error_string.strip().rstrip(".") or f"libsndfile error {error.code}"

"""Many sound files through a classifier: decoded ahead, batched by length, answered in order.

Threads decode while the model works (libsndfile and torch let go of Python's lock). Clips gather
in a buffer, are sorted by length there, so that batches hold little padding, and come out in the
order they went in. The buffer is bounded in clips and in seconds, so memory does not grow with
the number of files.
"""

import os
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from ser_lib.audio import read_blocks
from ser_lib.errors import AudioError
from ser_lib.use.batches import probabilities
from ser_lib.use.files import STANDARD_INPUT
from ser_lib.use.windows import Timeline, timeline

#: Recordings over this many s are scored in windows.
LONG = 30.0
_BUFFER_CLIPS, _BUFFER_SECONDS = 64, 240.0
_AHEAD = 16


class Heard(NamedTuple):
    """What came of one file.

    ``file`` (str), ``seconds`` (float) and ``probabilities`` ``(classes,)``; ``timeline`` where it
    was scored in windows; or ``error`` (AudioError) and nothing else.
    """

    file: str
    seconds: float = 0.0
    probabilities: np.ndarray | None = None
    timeline: Timeline | None = None
    error: AudioError | None = None


class _Clip(NamedTuple):
    """A file before the model: inputs, or the source of a recording for windows, or an error."""

    file: str
    seconds: float = 0.0
    inputs: Any = None
    source: Any = None
    error: AudioError | None = None


def hear(classify, files, batch_size=8, window=3.0, hop=1.0, over_time=False):
    """Classify files.

    Arguments
    ---------
    classify : SERPipeline
        As :func:`ser_lib.load` returns it.
    files : iterable of str
        Paths; ``-`` is standard input.
    batch_size : int
        Clips that go through the model together.
    window, hop : float
        Of recordings over :data:`LONG`, in s; see :func:`ser_lib.use.windows.timeline`.
    over_time : bool
        Score all recordings in windows.

    Yields
    ------
    Heard
        One a file, in the order of the files. A file that cannot be used does not end it.
    """
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    waiting, buffer, held = deque(), [], 0.0
    try:
        files = iter(files)
        while True:
            while len(waiting) < _AHEAD and (file := next(files, None)) is not None:
                waiting.append(pool.submit(_decode, classify, file, over_time))
            if not waiting:
                break
            clip = waiting.popleft().result()
            buffer.append(clip)
            held += clip.seconds
            if len(buffer) >= _BUFFER_CLIPS or held >= _BUFFER_SECONDS:
                yield from _answers(classify, buffer, batch_size, window, hop)
                buffer, held = [], 0.0
        yield from _answers(classify, buffer, batch_size, window, hop)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _decode(classify, file, over_time):
    """One :class:`_Clip`; of a long recording no more than its beginning is decoded here."""
    try:
        source = sys.stdin.buffer.read() if file == STANDARD_INPUT else file
        if over_time:
            return _Clip(file, source=source)
        pieces = read_blocks(source, LONG)
        samples, rate = next(pieces)
        if next(pieces, None) is not None:
            return _Clip(file, source=source)
        return _Clip(file, len(samples) / rate, classify.preprocess((samples, rate)))
    except AudioError as error:
        return _Clip(file, error=error)


def _answers(classify, clips, batch_size, window, hop):
    """Yield one :class:`Heard` a clip."""
    short = [place for place, clip in enumerate(clips) if clip.inputs is not None]
    short.sort(key=lambda place: clips[place].seconds)
    found = {}
    for first in range(0, len(short), batch_size):
        batch = short[first : first + batch_size]
        found.update(zip(batch, _each(classify, [clips[p].inputs for p in batch]), strict=True))
    for place, clip in enumerate(clips):
        error = found[place] if isinstance(found.get(place), AudioError) else clip.error
        if error is not None:
            yield Heard(clip.file, error=error)
        elif place in found:
            yield Heard(clip.file, clip.seconds, found[place])
        else:
            yield _over_time(classify, clip, batch_size, window, hop)


def _each(classify, batch):
    """Probabilities ``(classes,)`` of each clip of a batch, or the AudioError in their place."""
    try:
        return list(probabilities(classify, batch))
    except AudioError as error:
        if len(batch) == 1:
            return [error]
        return [_each(classify, [inputs])[0] for inputs in batch]


def _over_time(classify, clip, batch_size, window, hop):
    try:
        heard = timeline(classify, clip.source, window, hop, batch_size)
    except AudioError as error:
        return Heard(clip.file, error=error)
    return Heard(clip.file, heard.seconds, heard.whole, heard)

"""Emotion over time: a long recording in overlapping windows.

A file is decoded piece by piece and each window is resampled by itself, so that an hour of sound
takes the memory of a minute, and a window's answer is the one that the same stretch gets as a clip
of its own. What overlap costs is that a stretch is resampled once for each window it lies in.
"""

import itertools
import os
from typing import NamedTuple

import numpy as np

from ser_lib.audio import read_blocks
from ser_lib.hub.sound import SHORTEST, to_waveform
from ser_lib.use.batches import batched, labels

# How much is decoded at once, in s.
_BLOCK = 30.0


class Timeline(NamedTuple):
    """What a classifier hears in each window of a recording.

    ``labels`` (list of str, in the model's order), ``starts`` and ``ends`` (s, ``(windows,)``) and
    ``probabilities`` ``(windows, classes)``, all float64.
    """

    labels: list
    starts: np.ndarray
    ends: np.ndarray
    probabilities: np.ndarray

    @property
    def seconds(self):
        """Length of the recording in s (float)."""
        return float(self.ends[-1])

    @property
    def whole(self):
        """The recording's probabilities ``(classes,)``: the windows' mean, weighted by seconds."""
        return np.average(self.probabilities, axis=0, weights=self.ends - self.starts)

    @property
    def best(self):
        """Label of each window (list of str)."""
        return [self.labels[index] for index in self.probabilities.argmax(axis=1)]


def timeline(classify, source, window=3.0, hop=1.0, batch_size=8, sampling_rate=None):
    """Classify a recording window by window.

    Windows start every ``hop`` s. All are ``window`` s long; the last one ends where the recording
    ends. A recording that is no longer than a window is one row, with the answer that
    ``classify`` gives to it.

    Arguments
    ---------
    classify : SERPipeline
        As :func:`ser_lib.load` returns it.
    source : object
        As ``classify`` takes a clip. Paths, bytes and file objects are decoded piece by piece.
    window, hop : float
        In s.
    batch_size : int
        Windows that go through the model together.
    sampling_rate : int, optional
        Rate in Hz of an array that does not bring its own.

    Returns
    -------
    Timeline

    Raises
    ------
    AudioError
        If the source is no sound that can be used; a fault late in a file is found too.
    ModelFolderError
        If the model has no classes.
    ValueError
        If a window is shorter than 25 ms, a hop longer than the window, or there are not one or
        more of them in a batch.
    """
    check_windows(window, hop)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; give 1 or more")
    names = labels(classify)
    spans = []

    def inputs():
        for start, end, stretch in _windows(_blocks(classify, source, sampling_rate), window, hop):
            spans.append((start, end))
            yield classify.preprocess(stretch)

    found = batched(classify, inputs(), batch_size)
    starts, ends = np.array(spans, dtype=np.float64).T
    return Timeline(names, starts, ends, found)


def check_windows(window, hop):
    """Raise ValueError in one line where windows (s) of that length and hop (s) make no sense."""
    if not SHORTEST <= window < float("inf"):
        raise ValueError(f"window is {window:g} s; give {SHORTEST:g} s or more")
    if not 0.01 <= hop <= window:
        raise ValueError(
            f"hop is {hop:g} s; give 0.01 s or more, and at most the window ({window:g} s)"
        )


def _blocks(classify, source, sampling_rate):
    """Pieces ``(samples, rate)`` of a source, in order."""
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(
        source, "read"
    ):
        return read_blocks(source, _BLOCK)
    rate = classify.feature_extractor.sampling_rate
    return iter([(to_waveform(source, rate, sampling_rate), rate)])


def _windows(blocks, window, hop):
    """``(start, end, (samples, rate))`` of every window, start and end in s.

    Sound that all windows to come have left behind is dropped, so that little is held at once.
    """
    held, rate = next(blocks)
    length, begin, count = round(window * rate), 0, 0
    for block, _ in itertools.chain(blocks, [(None, rate)]):
        end = begin + len(held)
        # The window that ends with the recording is the last one, wherever the others start.
        while (place := round(count * hop * rate)) + length <= end - (block is None):
            yield _cut(held, place - begin, length, begin, rate)
            count += 1
        if block is not None:
            keep = max(end - length, begin)
            held, begin = np.concatenate([held[keep - begin :], block]), keep
    yield _cut(held, max(end - length, 0) - begin, min(length, end), begin, rate)


def _cut(held, first, length, begin, rate):
    start = begin + first
    return start / rate, (start + length) / rate, (held[first : first + length], rate)

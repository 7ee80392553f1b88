"""What the demo page does with a clip: read it, look at it, ask the models; no page in here."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from ser_lib.audio import read_blocks
from ser_lib.errors import AudioError
from ser_lib.use.windows import timeline

#: What is heard of a longer clip, in s.
LONGEST = 600.0
#: From here up a clip is heard in windows, in s: models learn from clips of about 3 s.
LONG = 6.0
WINDOW = 3.0
_MOST_WINDOWS = 100
# A loudest sample of -60 dBFS: a muted microphone, not a quiet voice.
_SILENT = 1e-3


class Clip(NamedTuple):
    """A clip: ``name`` (of the file), ``waveform`` (float32, ``(samples,)``), ``rate`` (Hz),
    ``seconds`` (of the waveform) and ``notes`` (list of str, what a person should know).
    """

    name: str
    waveform: np.ndarray
    rate: int
    seconds: float
    notes: list


class Answer(NamedTuple):
    """What a model hears in a clip: ``scores`` (dict of label to probability, best first) and
    ``timeline`` (:class:`ser_lib.use.windows.Timeline`, None for a short clip).
    """

    scores: dict
    timeline: object = None

    @property
    def best(self):
        """The label with the highest probability (str)."""
        return next(iter(self.scores))


def read_clip(path):
    """A clip from a file, its first ten minutes if it is longer.

    Arguments
    ---------
    path : str or os.PathLike
        wav, flac, mp3, ogg or aiff.

    Returns
    -------
    Clip

    Raises
    ------
    AudioError
        If it is no sound, is damaged, holds NaN, is shorter than 25 ms or silent. The message
        names the file without its folder.
    """
    path = Path(path)
    try:
        waveform, rate, more = _read(path)
        told = soundfile.info(str(path))
    except AudioError as error:
        raise AudioError(str(error).replace(str(path), path.name)) from error
    seconds = len(waveform) / rate
    if seconds < 0.025:
        raise AudioError(f"{path.name}: {1000 * seconds:g} ms of sound are too short; give 25 ms")
    if np.abs(waveform).max() < _SILENT:
        raise AudioError(
            f"{path.name} is silent (nothing above -60 dBFS), so there is nothing to hear in it; "
            "check the microphone and record again"
        )
    notes = []
    if more:
        notes.append(f"Only the first {LONGEST / 60:g} minutes were heard.")
    if told.channels > 2:
        notes.append(f"Its {told.channels} channels were averaged to one.")
    return Clip(path.name, waveform, rate, seconds, notes)


def _read(path):
    """Waveform, rate, and whether the file goes on after it."""
    parts, rate, held = [], None, 0
    for part, rate in read_blocks(path, 30.0):
        if held >= LONGEST * rate:
            return np.concatenate(parts)[: int(LONGEST * rate)], rate, True
        parts.append(part)
        held += len(part)
    waveform = np.concatenate(parts)
    return waveform[: int(LONGEST * rate)], rate, len(waveform) > LONGEST * rate


def ask(classify, clip):
    """What a model hears in a clip.

    A clip of :data:`LONG` s or more is heard in windows of :data:`WINDOW` s, whose mean is the
    answer; a shorter one as a whole, as ``classify`` itself does.

    Arguments
    ---------
    classify : SERPipeline
    clip : Clip

    Returns
    -------
    Answer
    """
    if clip.seconds < LONG:
        heard = classify((clip.waveform, clip.rate), top_k=None)
        return Answer({row["label"]: row["score"] for row in heard})
    hop = min(WINDOW, max(1.0, clip.seconds / _MOST_WINDOWS))
    found = timeline(classify, (clip.waveform, clip.rate), WINDOW, hop)
    pairs = zip(found.labels, found.whole.tolist(), strict=True)
    return Answer(dict(sorted(pairs, key=lambda pair: -pair[1])), found)


def edges(found):
    """Where one window of a timeline hands over to the next, in s: ``(windows + 1,)``.

    Windows overlap, so each speaks for what is nearer to its middle than to any other's.
    """
    middles = (found.starts + found.ends) / 2
    between = (middles[1:] + middles[:-1]) / 2
    return np.array([found.starts[0], *between, found.ends[-1]])


def stretches(found):
    """Neighbouring windows with the same best label, as one: list of (start, end, label), in s."""
    borders, merged = edges(found), []
    for place, label in enumerate(found.best):
        if merged and merged[-1][2] == label:
            merged[-1] = (merged[-1][0], float(borders[place + 1]), label)
        else:
            merged.append((float(borders[place]), float(borders[place + 1]), label))
    return merged

"""Clips that are stretches of longer recordings: each recording is decoded once."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from ser_lib.audio import read_audio
from ser_lib.errors import AudioError, CorpusError

_SHOWN = 30


def cut_stretches(rows, progress=True, slack=0.0):
    """Complete the rows of stretches with what the sound tells.

    Arguments
    ---------
    rows : list of dict
        With ``id``, ``path``, ``start`` and ``end`` (s); completed in place.
    progress : bool
        Show a tqdm bar.
    slack : float
        A stretch may end this much (s) after its recording, and then ends with it.

    Returns
    -------
    cut : list of dict
        The rows whose stretch is there, with ``sample_rate``, ``duration`` and ``sha256``: the hash
        of a mono file with the same samples, as :func:`ser_lib.audio.inspect` makes it.
    beyond : list of str
        The other rows, in words.

    Raises
    ------
    CorpusError
        If recordings are broken: the message names them.
    """
    recordings = {}
    for row in rows:
        recordings.setdefault(row["path"], []).append(row)

    def look(path):
        try:
            waveform, rate = read_audio(path)
        except AudioError as error:
            return str(error)
        for row in recordings[path]:
            _cut(row, waveform, rate, slack)
        return None

    # A recording is some minutes long: more threads would want too much memory.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        bar = {"desc": "Reading dialogues", "leave": False, "disable": not progress}
        found = tqdm(pool.map(look, recordings), total=len(recordings), **bar)
        broken = [trouble for trouble in found if trouble]
    if broken:
        more = f" ({len(broken) - _SHOWN} more)" if len(broken) > _SHOWN else ""
        raise CorpusError(
            f"{'; '.join(broken[:_SHOWN])}{more}. Extract the release again, or delete what is "
            "broken and pass --allow_partial"
        )
    beyond = [
        f"{row['id']} ({row['start']:g} to {row['end']:g} s)" for row in rows if "sha256" not in row
    ]
    return [row for row in rows if "sha256" in row], beyond


def _cut(row, waveform, rate, slack):
    """Complete the row of a stretch, unless it reaches beyond its recording."""
    first, last = round(row["start"] * rate), round(row["end"] * rate)
    if len(waveform) < last <= len(waveform) + slack * rate:
        last = len(waveform)
        row["end"] = last / rate
    samples = waveform[first:last]
    if not 0 < last - first == len(samples):
        return
    scaled = np.clip(np.rint(samples.astype(np.float64) * 2.0**31), -(2.0**31), 2.0**31 - 1)
    digest = hashlib.sha256(f"{rate} Hz, 1 channels\n".encode())
    digest.update(scaled.astype("<i4").tobytes())
    row.update(sample_rate=rate, duration=len(samples) / rate, sha256=digest.hexdigest())

"""The speech that is measured on: RAVDESS where it is, else synthetic voices."""

import os
from pathlib import Path

import numpy as np

from ser_lib.audio import read_audio
from ser_lib.corpora import ravdess, sample


def folder(options):
    """Folder of RAVDESS (Path), and whether it is synthetic (bool)."""
    if options.data_folder and options.data_folder != "sample":
        return Path(options.data_folder), False
    return Path(ravdess.find("sample")), True


def files(options, most=None):
    """Sound files (list of Path), evenly chosen where there are more than ``most``."""
    found = sorted(
        path for path in folder(options)[0].rglob("*") if path.suffix in (".wav", ".flac")
    )
    return found if most is None else found[:: max(1, len(found) // most)][:most]


def clips(options, count, seconds=3.0, rate=48_000):
    """Waveforms of ``seconds`` s at ``rate`` Hz (list of float32 arrays), repeated as needed."""
    size = int(seconds * rate)
    read = [read_audio(path) for path in files(options, min(count, 100))]
    pool = [np.resize(samples, size) for samples, of in read if of == rate]
    pool = pool or [sample.voice("calm", seconds=seconds)[0][:size]]
    return [pool[index % len(pool)].copy() for index in range(count)]


def cores():
    """Processors that this process may use (int)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

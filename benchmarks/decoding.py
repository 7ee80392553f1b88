"""A corpus from files to padded batches at another rate, against loops over librosa."""

import importlib.util

import librosa
import numpy as np
import soundfile
from torch.utils.data import DataLoader

from benchmarks import speech
from benchmarks.rows import Row, side_by_side
from ser_lib.corpora import ravdess
from ser_lib.data.clips import clip_dataset, collate

_RATE = 16_000


def rows(options):
    """One row for every way to load."""
    folder, _ = speech.folder(options)
    manifest = ravdess.prepare(folder, allow_partial=True, progress=False)
    ids = manifest["id"][:: 12 if options.quick else 1]
    chosen = set(ids)
    paths = [row["path"] for row in manifest if row["id"] in chosen]
    dataset = clip_dataset(manifest, ids, None, _RATE)
    cores = speech.cores()

    def ours():
        for _ in DataLoader(dataset, 32, collate_fn=collate, num_workers=cores):
            pass

    def by_librosa():
        _padded([librosa.load(path, sr=_RATE)[0] for path in paths])

    def by_soundfile():
        read = (soundfile.read(path, dtype="float32", always_2d=True) for path in paths)
        mono = ((samples.mean(axis=1), rate) for samples, rate in read)
        _padded([librosa.resample(x, orig_sr=rate, target_sr=_RATE) for x, rate in mono])

    jobs = {"librosa.load in a loop": by_librosa, "soundfile and librosa.resample": by_soundfile}
    if importlib.util.find_spec("torchcodec"):
        jobs["datasets with torchcodec"] = _by_datasets(paths)
    times, what = (
        side_by_side([ours, *jobs.values()], runs=3),
        f"decode, resample and pad {len(ids)} clips",
    )
    return [
        Row(f"{what}, {cores} cores", against, times[0], theirs, ("times", 2))
        for against, theirs in zip(jobs, times[1:], strict=True)
    ]


def _padded(clips):
    longest = max(map(len, clips))
    return np.stack([np.pad(clip, (0, longest - len(clip))) for clip in clips])


def _by_datasets(paths):
    from datasets import Audio, Dataset

    data = Dataset.from_dict({"audio": paths}).cast_column("audio", Audio(sampling_rate=_RATE))
    return lambda: _padded([row["audio"]["array"] for row in data])

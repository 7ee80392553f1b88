"""Features of a corpus on all cores, against librosa in one process and on all cores."""

import numpy as np
import torch
from torch.utils.data import Dataset

from benchmarks import sources, speech
from benchmarks.rows import Row, side_by_side
from ser_lib.audio import resample
from ser_lib.features.acoustic_features import AcousticFeatures
from ser_lib.features.issa_features import IssaFeatures
from ser_lib.features.log_mel import LogMel
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.training.feature_cache import analysed
from ser_lib.training.memory import keep_freed_memory


def rows(options):
    """Rows of log-mel, the 193 and the 199 features."""
    from joblib import Parallel, delayed

    keep_freed_memory()  # as every run does
    cores = speech.cores()
    long = speech.clips(options, 24 if options.quick else 1440)
    pool = Parallel(n_jobs=cores)
    front_end = LogMel(offset=0.0)

    def joblib():
        pool(delayed(sources.log_mel_of)(clip) for clip in long)

    ours, theirs, jobs = side_by_side(
        [lambda: features(front_end, long), lambda: [sources.log_mel_of(c) for c in long], joblib],
        runs=3,
    )
    found = front_end(torch.from_numpy(long[0])[None], torch.tensor([len(long[0])]))[0][0].numpy()
    off = f"largest difference {np.abs(found - sources.log_mel_of(long[0])).max():.1e} dB"
    size = f"{len(long)} clips of 3 s at 48 kHz, {cores} cores"
    made = [
        Row(f"log-mel, {size}", "librosa, one process", ours, theirs, ("times", 3), off),
        Row(f"log-mel, {size}", f"librosa, joblib on {cores} cores", ours, jobs, ("times", 1.5)),
    ]
    for front_end, source, what, times, part in (
        (IssaFeatures(), sources.issa_features_of, "193 features (Issa)", 10, 3),
        (AcousticFeatures(), sources.acoustic_features_of, "199 features (ShaheenPerveen)", 4, 12),
    ):
        short = [resample(clip, 48_000, 22_050) for clip in long[::part]]
        ours, theirs = side_by_side(
            [lambda: features(front_end, short), lambda: [source(clip) for clip in short]],  # noqa: B023
            runs=3,
        )
        size = f"{len(short)} clips of 3 s at 22.05 kHz, {cores} cores"
        against = "librosa as the source calls it, one process"
        made.append(Row(f"{what}, {size}", against, ours, theirs, ("times", times)))
    return made


class _Clips(Dataset):
    """Waveforms in memory, as items of a dataset."""

    def __init__(self, clips):
        self.clips = clips

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        return {"id": str(index), "label": 0, "waveform": torch.from_numpy(self.clips[index])}


def features(front_end, clips):
    """Features of all clips, in as many processes as there are cores, as a run computes them."""
    network = WaveformClassifier(front_end, None, torch.nn.Identity())
    return list(analysed(_Clips(clips), network, num_workers=speech.cores()))

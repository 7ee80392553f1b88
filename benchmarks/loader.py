"""How long training waits for data that is decoded and made noisy on the fly."""

import time

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmarks import speech
from benchmarks.rows import Row
from ser_lib.corpora import ravdess
from ser_lib.data.clips import clip_dataset, collate
from ser_lib.data.noise import GaussianNoiseCopies
from ser_lib.features.log_mel import LogMel
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.training.memory import keep_freed_memory

_STEPS = 12


def rows(options):
    """One row: seconds a step waits, beside what the step takes."""
    folder, _ = speech.folder(options)
    manifest = ravdess.prepare(folder, allow_partial=True, progress=False)
    data = clip_dataset(
        manifest, manifest["id"], list(ravdess.EMOTIONS), 48_000, GaussianNoiseCopies()
    )
    keep_freed_memory()
    network = WaveformClassifier(
        LogMel(), None, CNNTransformer(8).to(memory_format=torch.channels_last)
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    loader = iter(DataLoader(data, 32, collate_fn=collate, num_workers=2, shuffle=True))
    waited, worked = 0.0, 0.0
    for step in range(_STEPS):
        began = time.perf_counter()
        batch = next(loader)
        ready = time.perf_counter()
        cross_entropy(network(batch["inputs"], batch["lengths"]), batch["labels"]).backward()
        optimizer.step()
        optimizer.zero_grad()
        # The first batches start the processes.
        if step > 1:
            waited += ready - began
            worked += time.perf_counter() - began
    steps = _STEPS - 2
    what = "waiting for a batch of 32, noise on the fly, in a step of the parallel CNN-Transformer"
    return [Row(what, "the whole step", waited / steps, worked / steps, ("share", 0.05))]

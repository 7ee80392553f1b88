"""Training on a GPU from waveforms: front end, noise and model are all on the device."""

import threading
import time

import torch
from torch.nn.functional import cross_entropy

from benchmarks import speech
from benchmarks.rows import Row
from ser_lib.features.log_mel import LogMel
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.waveform_classifier import WaveformClassifier

_STEPS = 50


def rows(options):
    """A step from pinned waveforms, plain and compiled in bfloat16; [] without a GPU."""
    if not torch.cuda.is_available():
        print("no GPU: nothing to measure")
        return []
    batch = 256
    waves = torch.stack(
        [torch.from_numpy(c) for c in speech.clips(options, batch, 3.5)]
    ).pin_memory()
    labels = torch.randint(8, (batch,)).cuda()
    lengths = torch.full((batch,), waves.shape[1]).cuda()
    times, notes = [], []
    for compiled in (False, True):
        torch.manual_seed(0)
        network = WaveformClassifier(LogMel(), None, CNNTransformer(8)).cuda()
        network.to(memory_format=torch.channels_last)
        if compiled:
            network.classifier.compile(mode="reduce-overhead")
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.8)

        def step(network=network, optimizer=optimizer):
            with torch.autocast("cuda", torch.bfloat16):
                noise = torch.randn(waves.shape, device="cuda") * 1e-3
                logits = network(waves.cuda(non_blocking=True) + noise, lengths)
            cross_entropy(logits.float(), labels).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        took, busy = _measured(step)
        times.append(took)
        notes.append(f"{batch / took:,.0f} clips a second, GPU {busy:.0f} % busy")
    name = torch.cuda.get_device_name()
    what = f"training step, parallel CNN-Transformer, batch {batch}, bfloat16, {name}"
    return [
        Row(what, "–", times[0], None, None, notes[0]),
        Row(f"{what}, compiled", "not compiled", times[1], times[0], None, notes[1]),
    ]


def _measured(step):
    """Seconds a step, and percent of the time that the GPU was busy (NaN without pynvml)."""
    for _ in range(10):
        step()
    torch.cuda.synchronize()
    busy, done = [], threading.Event()

    def watch():
        while not done.wait(0.1):
            try:
                busy.append(torch.cuda.utilization())
            except (ModuleNotFoundError, RuntimeError):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    for _ in range(_STEPS):
        step()
    torch.cuda.synchronize()
    took = (time.perf_counter() - began) / _STEPS
    done.set()
    watcher.join()
    return took, sum(busy) / len(busy) if busy else float("nan")

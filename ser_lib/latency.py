"""How long a network takes for one clip, on one core."""

import statistics
import time

import torch

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice

SECONDS = 3.0
_RUNS, _WARM = 5, 2


@torch.no_grad()
def latency_ms(network):
    """Milliseconds from three seconds of sound to the probabilities of the emotions.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        On any device; comes back in evaluation mode.

    Returns
    -------
    float
        Median of five runs after two that warm up, in one thread where it runs on the CPU.
    """
    samples, rate = voice("happy", seconds=SECONDS)
    waveform = torch.from_numpy(resample(samples, rate, network.sample_rate))
    device = next((x.device for x in (*network.parameters(), *network.buffers())), None)
    waveform, threads = waveform[None].to(device), torch.get_num_threads()
    times = []
    network.eval()
    torch.set_num_threads(1)
    try:
        for _ in range(_WARM + _RUNS):
            began = time.perf_counter()
            # Down to numbers on the CPU, which waits for a GPU.
            network(waveform).softmax(dim=1).tolist()
            times.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return round(1000 * statistics.median(times[_WARM:]), 2)

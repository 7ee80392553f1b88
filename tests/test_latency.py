"""How long a clip takes: a positive number, and nothing of the process is left changed."""

import torch

from ser_lib.features.mfcc import MFCC
from ser_lib.latency import latency_ms
from ser_lib.models.mfcc_cnn import MFCCCNN
from ser_lib.models.waveform_classifier import WaveformClassifier


def test_it_is_a_time_and_the_threads_stay():
    network, threads = WaveformClassifier(MFCC(), None, MFCCCNN(8)), torch.get_num_threads()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert 0 < latency_ms(network) < 60_000
    assert torch.get_num_threads() == threads
    # Batch norms would have moved in training mode.
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)

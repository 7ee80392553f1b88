"""A system as a whole: description, precision, and independence of the batch."""

import pytest
import torch

from ser_lib.errors import ModelFolderError
from ser_lib.features.log_mel import LogMel
from ser_lib.features.scaler import CellStandardizer
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.waveform_classifier import WaveformClassifier


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = WaveformClassifier(LogMel(), CellStandardizer([128, 563]), CNNTransformer(8))
    network.scaler.fit([torch.empty(8, 128, 563).uniform_(-80, 0)])
    return network.eval()


@torch.no_grad()
def test_alone_in_a_batch_and_beside_longer_clips_the_logits_agree(network):
    clips = [torch.randn(n) * 0.1 for n in (40_000, 90_000, 160_000, 250_000)]
    batch = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    together = network(batch, torch.tensor([len(clip) for clip in clips]))
    for row, clip in zip(together, clips, strict=True):
        torch.testing.assert_close(row, network(clip[None])[0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_waveforms_and_their_features_give_the_same_logits(network):
    waveforms = torch.randn(2, 150_000)
    torch.testing.assert_close(network(*network.features(waveforms)), network(waveforms))


@torch.no_grad()
def test_features_stay_in_full_precision_under_autocast(network):
    waveforms = torch.randn(1, 150_000)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = network.features(waveforms)
    torch.testing.assert_close(found, network.features(waveforms)[0], atol=0, rtol=0)


def test_the_description_builds_the_same_system(network):
    twin = WaveformClassifier.from_spec(network.spec)
    assert twin.spec == network.spec
    assert twin.sample_rate == network.sample_rate == 48_000
    twin.load_state_dict(network.state_dict())
    waveforms = torch.randn(1, 150_000)
    with torch.no_grad():
        torch.testing.assert_close(twin.eval()(waveforms), network(waveforms), atol=0, rtol=0)


def test_an_unknown_block_is_refused(network):
    with pytest.raises(ModelFolderError, match="no_such_block"):
        WaveformClassifier.from_spec({**network.spec, "classifier": {"name": "no_such_block"}})

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


@pytest.fixture
def lacking(network):
    """The same system with classes 1 and 6 untrained, and a temperature that evens others out."""
    spec = {**network.spec, "temperature": 10.0, "absent": [6, 1]}
    lacking = WaveformClassifier.from_spec(spec)
    lacking.load_state_dict(network.state_dict())
    return lacking.eval()


@torch.no_grad()
def test_absent_classes_have_no_probability_at_any_temperature(network, lacking):
    waveforms = torch.randn(3, 150_000)
    told = lacking(waveforms).softmax(dim=1)
    assert (told[:, [1, 6]] == 0).all()
    others = (network(waveforms) / 10)[:, [0, 2, 3, 4, 5, 7]].softmax(dim=1)
    torch.testing.assert_close(told[:, [0, 2, 3, 4, 5, 7]], others)
    assert lacking(waveforms).half().isfinite().all()
    twin = WaveformClassifier.from_spec(lacking.spec)
    assert twin.absent == [1, 6] and "absent" not in network.spec


@pytest.mark.parametrize("absent", [[8], [-1], [1, 1], [1.0], [True], list(range(8)), "16", 3])
def test_absent_classes_are_some_of_the_classes(network, absent):
    with pytest.raises(ValueError, match="some of the 8 classes"):
        WaveformClassifier(network.front_end, None, network.classifier, absent=absent)

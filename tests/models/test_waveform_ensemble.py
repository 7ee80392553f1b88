import pytest
import torch

from ser_lib.features.log_mel import LogMel
from ser_lib.features.scaler import CellStandardizer
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.perceptron import Perceptron
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.models.waveform_ensemble import (
    WaveformEnsemble,
    blocks_of,
    combine,
    network_from_spec,
)
from ser_lib.pretrained.encoder import encoder_head, speech_encoder


def member(seed, n_mels=32, sample_rate=16_000, n_classes=4, scaled=True):
    torch.manual_seed(seed)
    front_end = LogMel(
        sample_rate, 0.1, 0.4, n_fft=512, win_length=400, hop_length=160, n_mels=n_mels
    )
    scaler = CellStandardizer(front_end.shape) if scaled else None
    if scaled:
        scaler.fit([torch.randn(8, *front_end.shape)])
    shape = front_end.shape
    head = CNNTransformer(n_classes, shape, (4, 8), (4, 4), n_layers=1, n_heads=2, d_feedforward=16)
    return WaveformClassifier(front_end, scaler, head).eval()


@pytest.fixture(scope="module")
def waveforms():
    return 0.1 * torch.randn(3, 9_000, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_says_the_mean_of_what_its_members_say(waveforms):
    members = [member(0), member(1), member(2, n_mels=40), member(3, scaled=False)]
    ensemble = WaveformEnsemble(members)
    mean = torch.stack([m(waveforms).softmax(dim=1) for m in members]).mean(dim=0)
    torch.testing.assert_close(ensemble(waveforms).softmax(dim=1), mean)


@torch.no_grad()
def test_weights_count_and_need_not_sum_to_one(waveforms):
    first, second = member(0), member(1)
    told = WaveformEnsemble([first, second], [3, 1])(waveforms).softmax(dim=1)
    wanted = 0.75 * first(waveforms).softmax(dim=1) + 0.25 * second(waveforms).softmax(dim=1)
    torch.testing.assert_close(told, wanted)


def test_members_of_one_front_end_share_it():
    ensemble = WaveformEnsemble([member(0), member(1), member(2, n_mels=40)])
    assert len(ensemble.front_ends) == 2
    assert ensemble.sources == [0, 0, 1]


@pytest.fixture(scope="module")
def encoders(tiny_encoder):
    """Members of one architecture: two of the same weights, and one of others."""
    found = []
    for seed in (0, 0, 1):
        front_end = speech_encoder(tiny_encoder("wav2vec2"))
        torch.manual_seed(seed)
        for parameter in front_end.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        found.append(WaveformClassifier(front_end, None, encoder_head(4, front_end)).eval())
    return found


@torch.no_grad()
def test_trained_front_ends_are_shared_only_where_their_weights_are_the_same(encoders, waveforms):
    ensemble = WaveformEnsemble(encoders).eval()
    assert ensemble.sources == [0, 0, 1]
    mean = torch.stack([m(waveforms).softmax(dim=1) for m in encoders]).mean(dim=0)
    torch.testing.assert_close(ensemble(waveforms).softmax(dim=1), mean)
    again = network_from_spec(ensemble.spec).eval()
    again.load_state_dict(ensemble.state_dict())
    torch.testing.assert_close(again(waveforms), ensemble(waveforms), rtol=0, atol=0)


@pytest.mark.parametrize("sources", [[0], [1, 0], [0, 2], [0, "1"], [0, True], "01", 5, [0, -1]])
def test_places_that_do_not_fit_are_refused(sources):
    with pytest.raises(ValueError, match="places among front ends"):
        WaveformEnsemble([member(0), member(1, n_mels=40)], sources=sources)


def test_members_of_two_kinds_do_not_share_a_place():
    with pytest.raises(ValueError, match="places among front ends"):
        WaveformEnsemble([member(0), member(1, n_mels=40)], sources=[0, 0])


@torch.no_grad()
def test_comes_back_from_its_description_and_its_weights(waveforms):
    ensemble = WaveformEnsemble([member(0), member(1, n_mels=40)], [1, 2]).eval()
    again = network_from_spec(ensemble.spec).eval()
    again.load_state_dict(ensemble.state_dict())
    torch.testing.assert_close(again(waveforms), ensemble(waveforms), rtol=0, atol=0)
    assert again.spec == ensemble.spec
    assert len(blocks_of(ensemble.spec)) == 6


@torch.no_grad()
def test_an_ensemble_inside_counts_as_one_system(waveforms):
    parts = [member(0), member(1), member(2)]
    inner = WaveformEnsemble(parts[:2])
    both = combine([inner, parts[2]])
    mean = (inner(waveforms).softmax(dim=1) + parts[2](waveforms).softmax(dim=1)) / 2
    torch.testing.assert_close(both(waveforms).softmax(dim=1), mean)
    assert len(both.members) == 3


@torch.no_grad()
def test_a_stack_reads_its_members_probabilities_in_order(waveforms):
    from ser_lib.models.perceptron import Perceptron

    meta = Perceptron(4, shape=(8, 1), hidden=())
    members = [member(0), member(1)]
    stack = combine(members, meta)
    table = torch.cat([m(waveforms).softmax(dim=1) for m in members], dim=1)
    torch.testing.assert_close(stack(waveforms), meta(table.unsqueeze(2), None))
    again = network_from_spec(stack.spec)
    again.load_state_dict(stack.state_dict())
    torch.testing.assert_close(again.eval()(waveforms), stack(waveforms))


@torch.no_grad()
def test_alone_in_a_batch_and_beside_longer_clips_the_logits_agree(waveforms):
    ensemble = WaveformEnsemble([member(0), member(1, n_mels=40)])
    padded = torch.nn.functional.pad(waveforms[:, :5_000], (0, 4_000))
    padded[1] = waveforms[1]
    together = ensemble(padded, torch.tensor([5_000, 9_000, 5_000]))
    torch.testing.assert_close(together[0], ensemble(waveforms[:1, :5_000])[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: WaveformEnsemble([]), "0 members"),
        (lambda: WaveformEnsemble([member(0)], [1, 2]), "1 members"),
        (lambda: WaveformEnsemble([member(0), member(1)], [1, -1]), "positive"),
        (lambda: WaveformEnsemble([member(0), member(1)], [1, float("nan")]), "positive"),
        (lambda: WaveformEnsemble([member(0), member(1, sample_rate=8_000)]), "sample_rate"),
        (lambda: WaveformEnsemble([member(0), member(1, n_classes=5)]), "n_classes"),
    ],
)
def test_refuses_members_that_do_not_go_together(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()


def test_refuses_a_stack_of_ensembles():
    from ser_lib.models.perceptron import Perceptron

    meta = Perceptron(4, shape=(8, 1), hidden=())
    with pytest.raises(ValueError, match="stack"):
        combine([WaveformEnsemble([member(0), member(1)])], meta)


@torch.no_grad()
def test_what_no_member_was_trained_on_has_no_probability(waveforms):
    first, second = member(0), member(1)
    first.absent, second.absent = [1, 3], [3]
    mean = combine([first, second])
    meta = Perceptron(4, (8, 1), ()).eval()
    stack = combine([first, second], meta)
    for ensemble in (mean, stack):
        ensemble.temperature = 10.0
        twin = network_from_spec(ensemble.spec)
        twin.load_state_dict(ensemble.state_dict())
        told = twin.eval()(waveforms).softmax(dim=1)
        torch.testing.assert_close(told, ensemble(waveforms).softmax(dim=1))
        assert (told[:, 3] == 0).all() and (told[:, :3] > 0).all()
        assert [m.absent for m in twin.members] == [[1, 3], [3]]

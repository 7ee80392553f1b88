"""Heads on hidden states: which layers and frames count."""

import pytest
import torch

from ser_lib.models.attentive_head import AttentiveHead
from ser_lib.models.layer_head import LayerHead

HEADS = [LayerHead, AttentiveHead]


def features(frames=12):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, 4, 8, frames, generator=generator), torch.tensor([frames, 7, 1])


@pytest.mark.parametrize("head", HEADS)
def test_frames_behind_a_clip_do_not_count(head):
    torch.manual_seed(0)
    model = head(5, 4, 8, hidden=6, activation="relu").eval()
    states, lengths = features()
    together = model(states, lengths)
    assert together.shape == (3, 5)
    states[1, ..., 7:] = 9.0
    torch.testing.assert_close(model(states, lengths), together)
    for row, state, length in zip(together, states, lengths, strict=True):
        alone = model(state[None, ..., :length], length[None])
        torch.testing.assert_close(alone[0], row, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("head", HEADS)
def test_nor_do_they_for_any_two_lengths_whose_quotient_is_rounded(head):
    model = head(2, 1, 3, hidden=4).eval()
    # A share is read as share times frames by SpeechBrain, and 3 / 90 * 90 is over 3 in float32.
    for frames in range(2, 121):
        states = torch.randn(1, 1, 3, frames).expand(frames - 1, -1, -1, -1).clone()
        lengths = torch.arange(1, frames)
        together = model(states, lengths)
        behind = torch.arange(frames) >= lengths[:, None]
        states += 50.0 * behind[:, None, None]
        torch.testing.assert_close(model(states, lengths), together)


def test_it_is_the_weighted_sum_of_layers_then_the_mean():
    model = LayerHead(5, 4, 8, hidden=6)
    model.layer_weights.data = torch.tensor([0.0, 1.0, 2.0, -1.0])
    states, lengths = features()
    weights = model.layer_weights.softmax(dim=0)
    clip = sum(weight * layer for weight, layer in zip(weights, states[1], strict=True))
    expected = model.classifier(model.projector(clip[:, :7].mean(dim=1)))
    torch.testing.assert_close(model(states, lengths)[1], expected)


def test_the_mean_may_come_first_where_nothing_bends_in_between():
    model = LayerHead(5, 4, 8, hidden=6)
    states, lengths = features()
    within = torch.arange(12) < lengths[:, None, None, None]
    means = (states * within).sum(dim=3, keepdim=True) / lengths[:, None, None, None]
    torch.testing.assert_close(
        model(means, torch.ones(3, dtype=torch.int64)), model(states, lengths)
    )


@pytest.mark.parametrize("head", HEADS)
def test_every_weight_gets_a_gradient(head):
    model = head(5, 4, 8, hidden=6, activation="gelu")
    model(*features()).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"layers": 0}, {"activation": "tanh"}])
@pytest.mark.parametrize("head", HEADS)
def test_refuses_what_makes_no_head(head, wrong):
    with pytest.raises(ValueError, match="must be positive|activation"):
        head(**{"n_classes": 5, "layers": 4, "width": 8, **wrong})

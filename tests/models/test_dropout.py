"""Quick dropout does what dropout does."""

import pytest
import torch

from ser_lib.models.dropout import Dropout, keep_mask
from ser_lib.models.encoder_layer import EncoderLayer


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.5, 0.97])
def test_the_share_and_the_expectation_are_right(probability):
    torch.manual_seed(0)
    values = Dropout(probability)(torch.ones(1000, 1001))
    # Five standard deviations of a binomial share.
    slack = 5 * (probability * (1 - probability) / values.numel()) ** 0.5
    assert (values == 0).double().mean().item() == pytest.approx(probability, abs=slack)
    kept = values[values > 0]
    assert kept.unique().numel() == 1
    assert kept[0].item() == pytest.approx(1 / (1 - probability), rel=1e-3)


def test_neighbours_in_a_draw_are_independent():
    torch.manual_seed(0)
    mask = keep_mask(torch.Size([4_000_000]), 2**15).view(-1, 4).double()
    for other in range(1, 4):
        together = (mask[:, 0] * mask[:, other]).mean().item()
        assert together == pytest.approx(0.25, abs=5 * (0.1875 / len(mask)) ** 0.5)


def test_gradients_pass_where_values_do():
    torch.manual_seed(0)
    values = torch.randn(50, 7, dtype=torch.float64, requires_grad=True)
    dropped = Dropout(0.4)(values)
    dropped.sum().backward()
    assert torch.allclose(values.grad * values, dropped)


def test_the_seed_repeats_the_mask():
    torch.manual_seed(3)
    first = Dropout(0.5)(torch.ones(99))
    second = Dropout(0.5)(torch.ones(99))
    torch.manual_seed(3)
    assert torch.equal(first, Dropout(0.5)(torch.ones(99)))
    assert not torch.equal(first, second)


def test_nothing_happens_in_evaluation_and_at_the_ends():
    values = torch.randn(3, 5)
    assert Dropout(0.4).eval()(values) is values
    assert torch.equal(Dropout(0.0)(values), values)
    assert torch.equal(Dropout(1e-9)(values), values)
    assert not Dropout(1.0)(values).any()
    assert not Dropout(1 - 1e-9)(values).any()
    assert Dropout(0.5)(torch.ones(0, 3)).shape == (0, 3)


def test_it_keeps_the_precision_it_is_given():
    assert Dropout(0.5)(torch.ones(8, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_a_probability_out_of_range_is_refused():
    with pytest.raises(ValueError, match="probability"):
        Dropout(1.5)


@pytest.mark.parametrize("training", [True, False])
def test_the_layer_is_the_transformer_layer_of_torch(training):
    torch.manual_seed(0)
    ours = EncoderLayer(16, 4, 32, 0.0).train(training)
    theirs = torch.nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=True).train(training)
    theirs.load_state_dict(ours.state_dict())
    steps = torch.randn(3, 9, 16)
    assert torch.allclose(ours(steps), theirs(steps), atol=1e-6)


def test_the_layer_drops_attention_weights_in_training_only():
    torch.manual_seed(0)
    layer = EncoderLayer(16, 4, 32, 0.5)
    steps = torch.randn(2, 9, 16)
    assert not torch.equal(layer(steps), layer(steps))
    layer.eval()
    assert torch.equal(layer(steps), layer(steps))


def test_masks_are_left_to_torch():
    torch.manual_seed(0)
    layer = EncoderLayer(16, 4, 32, 0.0)
    steps, hidden = torch.randn(2, 9, 16), torch.zeros(2, 9, dtype=torch.bool)
    hidden[:, 6:] = True
    alone = layer(steps[:, :6])
    padded = layer(steps, src_key_padding_mask=hidden)
    assert torch.allclose(alone, padded[:, :6], atol=1e-5)

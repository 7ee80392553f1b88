"""ECAPA-TDNN: size, neighbours, awkward clips, what is frozen."""

import pytest
import torch

from ser_lib.models.ecapa_tdnn import ECAPAClassifier
from ser_lib.registry import build

SMALL = {
    "channels": [16, 16, 16, 16, 48],
    "attention_channels": 8,
    "se_channels": 8,
    "lin_neurons": 12,
    "shape": [20],
}


def small(seed=0, **arguments):
    torch.manual_seed(seed)
    return ECAPAClassifier(4, **{**SMALL, **arguments})


def batch(*lengths, bands=20):
    """Features of clips of these lengths, zero behind them, and the lengths."""
    generator = torch.Generator().manual_seed(1)
    clips = [torch.randn(length, bands, generator=generator) for length in lengths]
    features = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True).transpose(1, 2)
    return features, torch.tensor(lengths)


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_has_the_parameters_of_speechbrains():
    with torch.device("meta"):
        assert count(ECAPAClassifier(4).embedding) == 20_767_552
        model = ECAPAClassifier(
            4, channels=[512, 512, 512, 512, 1536], attention_channels=64, lin_neurons=96
        )
    assert count(model) == 5_506_020


@torch.no_grad()
def test_alone_and_beside_longer_clips_the_logits_agree():
    model = small()
    for _ in range(3):
        model.train()(*batch(60, 40, 50, 30))  # so that batch norm has statistics of its own
    model.eval()
    features, lengths = batch(60, 31, 60, 7, 31, 2, 1)
    together = model(features, lengths)
    dirty = features.clone()
    for row, length in zip(dirty, lengths, strict=True):
        row[:, length:] = torch.nan
    torch.testing.assert_close(model(dirty, lengths), together, atol=1e-6, rtol=0)
    for row, clip, length in zip(together, features, lengths, strict=True):
        alone = model(clip[None, :, :length], length[None])[0]
        torch.testing.assert_close(alone, row, atol=1e-6, rtol=0)
    assert together.std(dim=0).min() > 1e-4


@torch.no_grad()
def test_relative_lengths_end_where_the_clips_do():
    # Kernels of one frame reflect nothing: padded or not, the answer is the same.
    model = small(kernel_sizes=[1, 1, 1, 1, 1], dilations=[1, 1, 1, 1, 1]).eval()
    features, lengths = batch(*range(97, 0, -1))
    expected = model._unpadded(features, lengths)
    torch.testing.assert_close(model._padded(features, lengths), expected, atol=1e-6, rtol=0)


@torch.no_grad()
def test_in_training_the_padded_batch_goes_through_as_in_speechbrain():
    model, other = small().train(), small().train()
    features, lengths = batch(60, 30, 45)
    expected = other.embedding(features.transpose(1, 2), lengths / 60).squeeze(1)
    torch.testing.assert_close(model.embed(features, lengths), expected)
    states = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    for ours, theirs in states:
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_few_frames_are_repeated_and_give_finite_logits(frames, training):
    model = small().train(training)
    features, lengths = batch(frames, 1)
    assert torch.isfinite(model(features, lengths)).all()
    several = features[:, :, :frames].repeat(1, 1, 5)[:1, :, :5]
    model.eval()
    torch.testing.assert_close(
        model(features, lengths)[0], model(several, torch.tensor([5]))[0], atol=1e-6, rtol=0
    )


def test_a_short_clip_beside_a_long_one_is_repeated_too():
    features, lengths = batch(9, 3)
    longer, lengths = small()._repeated(features, lengths)
    assert lengths.tolist() == [9, 5]
    torch.testing.assert_close(longer[0], features[0])
    torch.testing.assert_close(longer[1, :, :5], features[1][:, [0, 1, 2, 0, 1]])
    assert not longer[1, :, 5:].any()


def test_more_dilation_needs_more_frames():
    model = small(dilations=[1, 2, 3, 9, 1]).eval()
    assert model.fewest_frames == 10
    assert torch.isfinite(model(*batch(3))).all()


def test_a_training_batch_of_one_clip_works_and_leaves_statistics_as_they_were():
    model = small().train()
    before = model.embedding.asp_bn.norm.running_mean.clone()
    model(*batch(40)).sum().backward()
    assert torch.equal(model.embedding.asp_bn.norm.running_mean, before)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    model(*batch(40, 30))
    assert not torch.equal(model.embedding.asp_bn.norm.running_mean, before)


def test_every_parameter_gets_a_finite_gradient():
    model = small().train()
    loss = torch.nn.functional.cross_entropy(model(*batch(60, 40, 50, 30)), torch.arange(4))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all() and parameter.grad.any(), name


def test_half_precision_stays_finite():
    model = small().train()
    features, lengths = batch(60, 40, 1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(20 * features, lengths)
    logits.float().square().sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_what_is_frozen_stays_as_it_was():
    model = small()
    model.freeze_epochs = 1
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    moved = []
    for epoch in (1, 2):
        model.begin_epoch(epoch)
        model.train()
        assert model.embedding.training is (epoch > 1)
        parts = {"embedding": model.embedding, "head": model.head}
        before = {n: {k: v.clone() for k, v in p.state_dict().items()} for n, p in parts.items()}
        model(*batch(60, 40, 50, 30)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        moved.append(
            {
                n
                for n, p in parts.items()
                if any(not torch.equal(v, before[n][k]) for k, v in p.state_dict().items())
            }
        )
    assert moved == [{"head"}, {"embedding", "head"}]


def test_freezing_in_mid_training_takes_hold_at_once():
    model = small().train()
    model.freeze_epochs = 3
    model.begin_epoch(3)
    assert model.training and not model.embedding.training and not model.embedding.mfa.training
    model.begin_epoch(4)
    assert model.embedding.mfa.training
    model.eval().begin_epoch(5)
    assert not model.embedding.training


def test_without_a_plan_nothing_is_frozen():
    model = small().train()
    model.begin_epoch(1)
    assert model.embedding.training and all(p.requires_grad for p in model.parameters())
    assert model.initialised_from is None


def test_can_be_had_back_from_its_description():
    model = small().eval()
    again = build(model.spec)
    again.load_state_dict(model.state_dict())
    features = batch(30, 20)
    torch.testing.assert_close(again.eval()(*features), model(*features))


@pytest.mark.parametrize("shape", [(2, 21, 30), (2, 20), (2, 1, 20, 30)])
def test_refuses_features_of_another_shape(shape):
    with pytest.raises(ValueError, match="reads"):
        small()(torch.zeros(shape), torch.tensor([30, 30]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": [20, 5]},
        {"shape": [0]},
        {"channels": [16, 16, 48]},
        {"channels": [16, 16, 16, 0, 48]},
        {"kernel_sizes": [5, 3, 3, 4, 1]},
        {"kernel_sizes": [-1, 3, 3, 3, 1]},
        {"dilations": [1, 2, 0, 4, 1]},
        {"res2net_scale": 3},
        {"res2net_scale": 1},
        {"attention_channels": 0},
        {"lin_neurons": 0},
    ],
)
def test_refuses_sizes_that_do_not_fit(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))) as caught:
        small(**wrong)
    assert "\n" not in str(caught.value)

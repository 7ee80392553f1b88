"""ResNets: size, and the same answer alone or in a batch."""

import pytest
import torch

from ser_lib.models.resnet import ResNetClassifier

SMALL = {"depths": [1, 1], "widths": [8, 16], "hidden": 6, "shape": [3, 32, 32]}


def count(model, trained_only=False):
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trained_only)


@pytest.mark.parametrize(
    ("depths", "parameters", "last_stage"),
    [([2, 2, 2, 2], 11_279_916, 8_497_132), ([3, 4, 6, 3], 21_388_076, 13_217_772)],
)
def test_has_the_parameters_of_the_source(depths, parameters, last_stage):
    model = ResNetClassifier(4, depths=depths)
    assert count(model) == parameters
    model.freeze_epochs = 1
    model.begin_epoch(1)
    assert count(model, trained_only=True) == 103_404
    model.begin_epoch(2)
    assert count(model, trained_only=True) == last_stage


@torch.no_grad()
def test_alone_or_in_a_batch_the_same():
    torch.manual_seed(0)
    model = ResNetClassifier(4, **SMALL)
    pictures, lengths = torch.randn(5, 3, 32, 32), torch.full((5,), 32)
    model.train()(pictures, lengths)  # so that batch norm has statistics of its own
    together = model.eval()(pictures, lengths)
    for row, picture in zip(together, pictures, strict=True):
        torch.testing.assert_close(model(picture[None], lengths[:1])[0], row, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "wrong", [{"shape": [193, 1]}, {"shape": [3, 0, 5]}, {"depths": [2, 2]}, {"widths": [8]}]
)
def test_refuses_sizes_that_do_not_fit(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ResNetClassifier(4, **wrong)

import warnings

import pytest
import torch

from ser_lib.training import loader as module
from ser_lib.training.loader import clip_loader


class Kept(torch.utils.data.Dataset):
    """Eight items of features; ``cached`` as a run's kept features have it."""

    def __init__(self, cached):
        self.cached = cached

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return {"id": str(index), "features": torch.full((2, 3), float(index)), "label": index}


@pytest.mark.parametrize(("asked", "cores", "found"), [(8, 2, 2), (1, 2, 1), (0, 2, 0), (2, 1, 1)])
def test_no_more_processes_than_cores(monkeypatch, asked, cores, found):
    monkeypatch.setattr(module, "_cores", lambda: cores)
    assert clip_loader(Kept(cached=False), 4, asked).num_workers == found


def test_kept_features_need_no_process():
    assert clip_loader(Kept(cached=True), 4, 2).num_workers == 0


def test_processes_change_neither_the_items_nor_their_order():
    with warnings.catch_warnings():
        # PyTorch's, of more processes than cores.
        warnings.simplefilter("error")
        alone, beside = (list(clip_loader(Kept(cached=False), 4, n)) for n in (0, 64))
    assert [batch["ids"] for batch in alone] == [batch["ids"] for batch in beside]
    for one, other in zip(alone, beside, strict=True):
        torch.testing.assert_close(one["inputs"], other["inputs"], rtol=0, atol=0)

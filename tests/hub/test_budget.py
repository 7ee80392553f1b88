"""What the bound on a network remembers; that it is kept, tests/hostile has."""

import pytest
import torch

from ser_lib.errors import ModelFolderError
from ser_lib.hub import budget
from ser_lib.hub.budget import Budget


def test_a_size_is_worked_out_once_for_tensors_of_one_kind(monkeypatch):
    asked = []
    size = budget._size
    monkeypatch.setattr(budget, "_size", lambda *given: asked.append(given[0]) or size(*given))
    with Budget(4096):
        for _ in range(5):
            torch.ones(8) * 2
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (lambda: torch.ones(8, 8), lambda: torch.ones(64, 64)),
        (lambda: torch.full((64,), 1.0), lambda: torch.full((64,), 1.0, dtype=torch.float64)),
        (lambda: torch.full((64,), True), lambda: torch.full((64,), 1)),
        (lambda: torch.ones(8).repeat(2), lambda: torch.ones(8).repeat(20)),
        (lambda: torch.ones(1, 8) + torch.ones(1, 8), lambda: torch.ones(64, 1) + torch.ones(1, 8)),
    ],
)
def test_another_shape_type_or_argument_is_of_another_size(small, large):
    with Budget(300):
        small()
        small()
        with pytest.raises(ModelFolderError, match="in one piece"):
            large()


def test_the_usual_type_of_numbers_counts():
    usual = torch.get_default_dtype()
    try:
        with Budget(300):
            torch.ones(64)
            torch.set_default_dtype(torch.float64)
            with pytest.raises(ModelFolderError, match="in one piece"):
                torch.ones(64)
    finally:
        torch.set_default_dtype(usual)

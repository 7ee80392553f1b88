"""Left at any step, an epoch is gone on with to the same bits."""

import json

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from ser_lib.interruption import Stopped
from ser_lib.training.accelerator import make_accelerator
from ser_lib.training.settings import TrainingSettings
from ser_lib.training.trainer import Trainer


class Points(Dataset):
    """Two clouds of points, as (2, 1) features."""

    def __init__(self, size):
        generator = torch.Generator().manual_seed(size)
        self.labels = torch.arange(size) % 2
        self.points = torch.randn(size, 2, 1, generator=generator) + 2 * self.labels[:, None, None]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        label = int(self.labels[index])
        return {"id": f"clip{index}", "features": self.points[index], "label": label}


class Network(nn.Module):
    """A layer behind dropout and batch norm, so that random numbers and buffers matter."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.BatchNorm1d(2), nn.Linear(2, 2)
        )

    def forward(self, inputs, lengths):
        return self.layers(inputs)


def train(folder, leave_at=None, **settings):
    """Train, or be asked to leave at one of the moments when training asks; the network."""
    fixed = {"batch_size": 8, "number_of_epochs": 3, "warmup_epochs": 1.5, "seed": 3}
    settings = TrainingSettings(**fixed | settings)
    folder.mkdir(exist_ok=True)
    run = Trainer(
        *(Network(), settings, lambda p: torch.optim.Adam(p, lr=0.05)),
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7),
        *(make_accelerator(settings, folder), folder, {"system": "toy"}),
        lambda p, y: {"ua": (p == y).float().mean().item(), "wa": 0.0},
    )
    if leave_at is not None:
        ask, asked = run.endings.agreed, []

        def agreed(broken=False):
            asked.append(True)
            if len(asked) == leave_at:
                run.endings.requests.signum = 15
            return ask(broken)

        run.endings.agreed = agreed
    run.fit(Points(48), Points(24))
    return run.network


def left(folder):
    """What a finished run leaves, without times."""
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
    return rows, (folder / "checkpoints/epoch-0003/model.safetensors").read_bytes()


@pytest.mark.parametrize("accumulation", [1, 3])
def test_left_at_any_moment_it_ends_as_unbroken(tmp_path, accumulation):
    settings = {"gradient_accumulation_steps": accumulation}
    train(tmp_path / "unbroken", **settings)
    expected = left(tmp_path / "unbroken")
    # An epoch asks at six steps, three batches of validation, and at its end.
    for moment in range(1, 31, 2 if accumulation == 1 else 5):
        folder = tmp_path / str(moment)
        with pytest.raises(Stopped, match=r"epoch \d is saved"):
            train(folder, moment, **settings)
        train(folder, **settings)
        assert left(folder) == expected, moment


def test_asked_twice_it_is_left_twice(tmp_path):
    train(tmp_path / "unbroken")
    for moment in (2, 3, 1, 7):
        with pytest.raises(Stopped):
            train(tmp_path / "run", moment)
    train(tmp_path / "run")
    assert left(tmp_path / "run") == left(tmp_path / "unbroken")
    names = [path.name for path in (tmp_path / "run/checkpoints").iterdir()]
    assert not [name for name in names if name.endswith(".part")]

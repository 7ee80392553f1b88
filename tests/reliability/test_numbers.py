"""Numbers that are not finite: stopped with the clips named, or survived."""

import json
import math

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from ser_lib.errors import RunError
from ser_lib.training.accelerator import make_accelerator
from ser_lib.training.settings import TrainingSettings
from ser_lib.training.trainer import Trainer


class Points(Dataset):
    """Two clouds of points; ``odd`` changes the fourth."""

    def __init__(self, size, odd=None):
        generator = torch.Generator().manual_seed(0)
        self.labels = torch.arange(size) % 2
        self.points = torch.randn(size, 2, 1, generator=generator) + 2 * self.labels[:, None, None]
        if odd is not None:
            self.points[3] = odd

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        label = int(self.labels[index])
        return {"id": f"clip{index}", "features": self.points[index], "label": label}


class Linear(nn.Module):
    """A layer, behind a root whose slope at zero is infinite where ``steep``."""

    def __init__(self, steep=False):
        super().__init__()
        torch.manual_seed(0)
        self.steep, self.layer = steep, nn.Linear(2, 2)
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, inputs, lengths):
        points = inputs.flatten(1) * self.scale
        return self.layer(points.abs().sqrt() if self.steep else points)


def score(predictions, labels):
    return {"ua": (predictions == labels).float().mean().item(), "wa": 0.0}


def trainer(folder, network=None, lr=0.1, scale=None, **settings):
    """A trainer; ``scale`` that of a float16 gradient scaler."""
    settings = TrainingSettings(**{"batch_size": 8, "number_of_epochs": 3, **settings})
    folder.mkdir(exist_ok=True)
    accelerator = make_accelerator(settings, folder)
    if scale is not None:
        # As on a GPU; on a CPU Accelerate has no float16.
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return Trainer(
        *(network or Linear(), settings, lambda p: torch.optim.SGD(p, lr=lr), None, accelerator),
        *(folder, {"system": "toy"}, score),
    )


def weights(run):
    return torch.cat([p.detach().flatten() for p in run.network.parameters()])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_names_the_clips_and_keeps_the_state(tmp_path, value):
    folder = tmp_path / "run"
    trainer(folder, number_of_epochs=2).fit(Points(32), Points(16))
    run = trainer(folder)
    with pytest.raises(RunError, match=r"the loss is \w+ in epoch 3, step 1; clips: .*clip") as e:
        run.fit(Points(8, value), Points(16))
    assert "\n" not in str(e.value)
    told = json.loads((folder / "checkpoints/broken/trainer.json").read_text())
    assert "clip3" in told["facts"]["clips"] and told["facts"]["step"] == 1
    assert (folder / "checkpoints/broken/model.safetensors").stat().st_size > 0
    progress = trainer(folder).fit(Points(32), Points(16))
    assert progress.epoch == 3


def test_gradients_that_are_not_finite_stop_before_they_spoil_the_weights(tmp_path):
    run = trainer(tmp_path / "run", Linear(steep=True))
    start = weights(run).clone()
    with pytest.raises(RunError, match=r"the norm of the gradients is nan in epoch 1.*clip3"):
        run.fit(Points(8, 0.0), Points(16))
    assert torch.equal(weights(run), start)


def test_a_validation_that_is_not_finite_names_its_clips(tmp_path):
    with pytest.raises(RunError, match=r"the validation loss is nan in epoch 1.*clips: clip3;"):
        trainer(tmp_path / "run").fit(Points(32), Points(16, math.nan))


def test_a_float16_overflow_leaves_the_step_out_and_training_goes_on(tmp_path, caplog):
    # So large a scale that the first gradients overflow; it is halved each time.
    with caplog.at_level("INFO", logger="ser_lib"):
        run = trainer(tmp_path / "run", scale=3e38, number_of_epochs=6)
        start = weights(run).clone()
        progress = run.fit(Points(64), Points(16))
    assert "gradients overflowed in float16" in caplog.text
    assert torch.isfinite(weights(run)).all() and not torch.equal(weights(run), start)
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]
    assert run.accelerator.scaler.get_scale() < 3e38


def test_the_scale_of_float16_is_resumed(tmp_path):
    trainer(tmp_path / "a", scale=3e38, number_of_epochs=4).fit(Points(64), Points(16))
    trainer(tmp_path / "b", scale=3e38, number_of_epochs=2).fit(Points(64), Points(16))
    run = trainer(tmp_path / "b", scale=2.0**10, number_of_epochs=4)
    run.fit(Points(64), Points(16))
    last = [tmp_path / name / "checkpoints/epoch-0004/model.safetensors" for name in "ab"]
    assert last[0].read_bytes() == last[1].read_bytes()


def test_where_every_gradient_overflows_training_stops(tmp_path):
    with pytest.raises(RunError, match="float16 overflowed in every gradient"):
        trainer(tmp_path / "run", Linear(steep=True), scale=2.0).fit(Points(8, 0.0), Points(16))

"""The training loop on a toy network: what it keeps, when it stops, how it resumes."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from ser_lib.errors import HparamsError, RunError
from ser_lib.training.accelerator import make_accelerator
from ser_lib.training.checkpoint import Progress
from ser_lib.training.history import report
from ser_lib.training.settings import TrainingSettings
from ser_lib.training.trainer import Trainer


class Points(Dataset):
    """Two clouds of points that a linear layer tells apart, as (2, 1) features."""

    def __init__(self, size, seed, value=None):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.arange(size) % 2
        self.points = torch.randn(size, 2, 1, generator=generator) + 2 * self.labels[:, None, None]
        if value is not None:
            self.points[3] = value

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return {
            "id": f"clip{index}",
            "features": self.points[index],
            "label": int(self.labels[index]),
        }


class Network(nn.Module):
    """Linear layer with dropout, so that random states matter."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(2, 2))

    def forward(self, inputs, lengths):
        return self.classifier(inputs)


def score(predictions, labels):
    return {"ua": (predictions == labels).float().mean().item(), "wa": 0.0}


def trainer(folder, scheduler=None, identity=None, scorer=score, lr=0.01, **settings):
    settings = TrainingSettings(**{"batch_size": 8, "number_of_epochs": 3, **settings})
    folder.mkdir(exist_ok=True)
    return Trainer(
        Network(),
        settings,
        lambda parameters: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
        scheduler,
        make_accelerator(settings, folder),
        folder,
        identity or {"system": "toy"},
        scorer,
    )


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.network.parameters()])


def test_learns_and_logs_every_epoch(tmp_path):
    run = trainer(tmp_path / "run", number_of_epochs=8, lr=0.1)
    progress = run.fit(Points(64, 0), Points(32, 1))
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 9))
    assert progress.history[-1]["validation_ua"] > 0.8
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]
    assert list((tmp_path / "run" / "tensorboard").rglob("events*"))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.04, "0.04 s,"), (9.5, "9.50 s,"), (10.4, "10 s,"), (0.0, "0.00 s,")]
)
def test_the_time_of_a_quick_epoch_is_told_to_the_hundredth(tmp_path, caplog, seconds, told):
    row = {"epoch": 1, "seconds": seconds, "learning_rate": 0.1}
    row |= dict.fromkeys(("train_loss", "train_wa", "validation_loss"), 0.5)
    row |= dict.fromkeys(("validation_ua", "validation_wa"), 0.5)
    progress = Progress({}, epoch=1, history=[row], best_epoch=1)
    with caplog.at_level("INFO"):
        report(make_accelerator(TrainingSettings(), tmp_path), tmp_path, progress, 2)
    assert f"(epoch 1)  {told} at most" in caplog.text


def test_ends_with_the_weights_of_the_best_epoch(tmp_path):
    scores = iter([0.2, 0.9, 0.9, 0.5])
    seen = []

    def scorer(predictions, labels):
        seen.append(weights(run).clone())
        return {"ua": next(scores), "wa": 0.0}

    run = trainer(tmp_path / "run", number_of_epochs=4, scorer=scorer, lr=0.1)
    progress = run.fit(Points(64, 0), Points(32, 1))
    # Epochs 2 and 3 tie in UA; the lower loss decides.
    losses = [row["validation_loss"] for row in progress.history]
    assert progress.best_epoch == (2 if losses[1] <= losses[2] else 3)
    torch.testing.assert_close(weights(run), seen[progress.best_epoch - 1], atol=0, rtol=0)


def test_stops_when_patience_ends(tmp_path):
    scores = iter([0.5, 0.6, 0.1, 0.1, 0.1, 0.1])
    run = trainer(
        tmp_path / "run",
        number_of_epochs=6,
        patience=2,
        scorer=lambda p, y: {"ua": next(scores), "wa": 0.0},
    )
    progress = run.fit(Points(64, 0), Points(32, 1))
    assert (progress.epoch, progress.best_epoch, progress.stopped_early) == (4, 2, True)


@pytest.mark.parametrize("scheduler", [None, "step", "plateau"])
def test_resumed_equals_unbroken_to_the_bit(tmp_path, scheduler):
    made = {
        None: None,
        "step": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5),
        "plateau": lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=0
        ),
    }[scheduler]
    unbroken = trainer(tmp_path / "a", made, number_of_epochs=5)
    unbroken.fit(Points(64, 0), Points(32, 1))
    trainer(tmp_path / "b", made, number_of_epochs=2).fit(Points(64, 0), Points(32, 1))
    torch.manual_seed(99)
    resumed = trainer(tmp_path / "b", made, number_of_epochs=5)
    progress = resumed.fit(Points(64, 0), Points(32, 1))
    assert progress.epoch == 5
    assert torch.equal(weights(unbroken), weights(resumed))
    last = [(tmp_path / x / "checkpoints/epoch-0005/model.safetensors").read_bytes() for x in "ab"]
    assert last[0] == last[1]


@pytest.mark.parametrize(("wa", "rates"), [([0.1, 0.2, 0.3], 1), ([0.3, 0.2, 0.1], 3)])
def test_a_plateau_of_mode_max_watches_the_accuracy(tmp_path, wa, rates):
    scores = iter(wa)
    run = trainer(
        tmp_path / "run",
        lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=0.5, patience=0
        ),
        scorer=lambda p, y: {"ua": 0.5, "wa": next(scores)},
    )
    run.fit(Points(64, 0), Points(32, 1))
    reached = {0.01, run.optimizer.param_groups[0]["lr"]}
    assert reached == ({0.01} if rates == 1 else {0.01, 0.01 * 0.5 ** (rates - 1)})


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    trainer(tmp_path / "run", number_of_epochs=2).fit(Points(64, 0), Points(32, 1))
    partial = tmp_path / "run/checkpoints/epoch-0003.part"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half")
    progress = trainer(tmp_path / "run", number_of_epochs=3).fit(Points(64, 0), Points(32, 1))
    assert progress.epoch == 3


def test_keeps_two_checkpoints_and_the_best_weights_they_name(tmp_path):
    trainer(tmp_path / "run", number_of_epochs=5).fit(Points(64, 0), Points(32, 1))
    names = sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir())
    assert names[-2:] == ["epoch-0004", "epoch-0005"]
    for name in names[-2:]:
        best = json.loads((tmp_path / "run/checkpoints" / name / "trainer.json").read_text())
        assert f"best-{best['best_epoch']:04d}.safetensors" in names
    assert len(names) <= 4


def test_another_run_in_the_folder_is_refused(tmp_path):
    trainer(tmp_path / "run", identity={"classifier": "a", "lr": 1}).fit(
        Points(64, 0), Points(32, 1)
    )
    other = trainer(tmp_path / "run", identity={"classifier": "b", "lr": 1})
    with pytest.raises(RunError, match=r"another classifier; choose another --output_folder"):
        other.fit(Points(64, 0), Points(32, 1))


def test_a_spoiled_checkpoint_is_named(tmp_path):
    trainer(tmp_path / "run").fit(Points(64, 0), Points(32, 1))
    spoiled = tmp_path / "run/checkpoints/epoch-0003/model.safetensors"
    spoiled.write_bytes(spoiled.read_bytes()[:50])
    with pytest.raises(RunError, match=r"epoch-0003 cannot be read.*delete that folder"):
        trainer(tmp_path / "run", number_of_epochs=4).fit(Points(64, 0), Points(32, 1))


def test_a_loss_that_is_not_finite_names_the_clips(tmp_path):
    run = trainer(tmp_path / "run")
    with pytest.raises(RunError, match=r"loss is nan in epoch 1, step 1; clips: .*clip3"):
        run.fit(Points(8, 0, value=float("nan")), Points(32, 1))


def test_gradients_are_clipped(tmp_path):
    free = trainer(tmp_path / "a", number_of_epochs=1, lr=1.0)
    bound = trainer(tmp_path / "b", number_of_epochs=1, lr=1.0, max_grad_norm=1e-4)
    start = weights(bound).clone()
    for run in (free, bound):
        run.fit(Points(64, 0), Points(32, 1))
    # 8 steps of momentum 0.9 on gradients of norm 1e-4 cannot go further than this.
    assert (weights(bound) - start).norm() < 8 * 1e-4 * 10
    assert (weights(free) - start).norm() > 8 * 1e-4 * 10


def test_accumulated_gradients_make_fewer_steps(tmp_path):
    moved = []
    for steps in (1, 4):
        run = trainer(tmp_path / str(steps), number_of_epochs=1, gradient_accumulation_steps=steps)
        start = weights(run).clone()
        run.fit(Points(64, 0), Points(32, 1))
        moved.append((weights(run) - start).norm())
    assert moved[1] < moved[0] / 2


def test_bf16_trains(tmp_path):
    progress = trainer(tmp_path / "run", mixed_precision="bf16").fit(Points(64, 0), Points(32, 1))
    assert progress.epoch == 3


@pytest.mark.parametrize(
    ("size", "drop_last", "steps"),
    # The last batch: of 4 items, left out, of one item that batch norm cannot take, the only one.
    [(20, False, 3), (20, True, 2), (17, False, 2), (5, False, 1), (16, False, 2), (16, True, 2)],
)
def test_the_last_batch_may_be_smaller(tmp_path, size, drop_last, steps):
    run = trainer(tmp_path / "run", drop_last=drop_last, number_of_epochs=1)
    run.fit(Points(size, 0), Points(32, 1))
    assert len(run.train_loader) == steps


@pytest.mark.parametrize(("size", "drop_last"), [(5, True), (1, False)])
def test_refuses_a_batch_larger_than_the_training_side(tmp_path, size, drop_last):
    with pytest.raises(HparamsError, match=f"batch_size 8 is more than the {size}"):
        trainer(tmp_path / "run", drop_last=drop_last).fit(Points(size, 0), Points(32, 1))


def test_the_largest_seed_trains(tmp_path):
    assert trainer(tmp_path / "run", seed=2**32 - 1, number_of_epochs=1).fit(
        Points(64, 0), Points(32, 1)
    )


def test_a_history_that_a_kill_left_short_is_mended(tmp_path):
    trainer(tmp_path / "run", number_of_epochs=2).fit(Points(64, 0), Points(32, 1))
    history = tmp_path / "run" / "history.jsonl"
    history.write_text("")
    trainer(tmp_path / "run", number_of_epochs=2).fit(Points(64, 0), Points(32, 1))
    assert len(history.read_text().splitlines()) == 2


@pytest.mark.parametrize("name", ["optimizer.bin", "trainer.json"])
def test_a_checkpoint_file_that_is_garbage_is_one_line(tmp_path, name):
    trainer(tmp_path / "run", number_of_epochs=1).fit(Points(64, 0), Points(32, 1))
    (tmp_path / "run/checkpoints/epoch-0001" / name).write_text("hello world")
    with pytest.raises(RunError, match=r"epoch-0001 cannot be read") as caught:
        trainer(tmp_path / "run", number_of_epochs=2).fit(Points(64, 0), Points(32, 1))
    assert "\n" not in str(caught.value)


def test_what_pytorch_says_of_such_a_file_is_told_without_its_advice_and_styles(tmp_path):
    trainer(tmp_path / "run", number_of_epochs=1).fit(Points(64, 0), Points(32, 1))
    torch.save({"state": Path}, tmp_path / "run/checkpoints/epoch-0001/optimizer.bin")
    with pytest.raises(RunError) as caught:
        trainer(tmp_path / "run", number_of_epochs=2).fit(Points(64, 0), Points(32, 1))
    assert "\x1b" in str(caught.value.__cause__)
    assert "epoch-0001 cannot be read (Weights only load failed); delete that" in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_fp16_on_a_cpu_is_refused(tmp_path):
    with pytest.raises(HparamsError, match="fp16 needs a GPU"):
        trainer(tmp_path / "run", mixed_precision="fp16")

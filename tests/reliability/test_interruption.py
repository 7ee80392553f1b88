"""Asked to leave (Ctrl-C, a scheduler's SIGTERM): saved, said, and equal to an unbroken run."""

import os
import signal

import pytest
from harness import outcome, same

EPOCHS = ("--number_of_epochs", "3")
# Asks to leave in the third step of the second of three epochs of eight steps.
ASKING = """
import os
from ser_lib.training.trainer import Trainer
quick, steps = Trainer._loss, []
def loss(self, logits, labels, shared=False):
    steps.append(shared)
    if sum(steps) == 11:
        os.kill(os.getpid(), {signum})
    return quick(self, logits, labels, shared)
Trainer._loss = loss
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_was_asked_to_leave_goes_on_within_the_epoch(
    harness, unbroken, tmp_path, signum, code
):
    folder = tmp_path / "run"
    text = harness.run(folder, *EPOCHS, code=code, before=ASKING.format(signum=int(signum)))
    assert "interrupted; epoch 2 is saved after step 3 of 8" in text
    assert "start the same command again to go on" in text
    assert "Traceback" not in text
    assert (folder / "checkpoints" / "epoch-0001-step-000003" / "trainer.json").exists()
    assert "going on after epoch 1, step 3" in harness.run(folder, *EPOCHS)
    same(outcome(folder), outcome(unbroken))


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["manifests", "features", "model"])
def test_outside_of_training_it_leaves_at_once(harness, unbroken, tmp_path, stage):
    folder, environment = tmp_path / "run", {**os.environ, "SER_CACHE": str(tmp_path / "cache")}
    name = {"manifests": "cache/manifests/.half-", "features": "run/features/train-"}
    place = str(tmp_path / name.get(stage, "run/.model."))
    asked = (
        "import os, signal, sys\n"
        "def hook(event, arguments):\n"
        f"    if event == 'os.mkdir' and arguments[0].startswith({place!r}):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.addaudithook(hook)\n"
    )
    text = harness.run(folder, *EPOCHS, code=143, before=asked, environment=environment)
    assert "interrupted; start the same command again to go on" in text
    assert "Traceback" not in text
    harness.run(folder, *EPOCHS, environment=environment)
    same(outcome(folder), outcome(unbroken))

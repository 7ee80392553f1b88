"""Asked to leave (Ctrl-C, a scheduler's SIGTERM): saved, said, and equal to an unbroken run."""

import os
import signal

import pytest
from harness import Harness, outcome, same

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


# What a scheduler does: it asks the run and the processes that decode for it, from outside.
ALL = """
import multiprocessing, os, subprocess, time
# Processes of the harness are daemons, which may have no workers, and would not fork them.
multiprocessing.current_process()._config["daemon"] = False
multiprocessing.set_start_method("fork", force=True)
def ask_all(seconds=0.0):
    line = f"sleep {seconds}; kill -TERM -{os.getpid()}"
    return subprocess.Popen(["sh", "-c", line], start_new_session=True)
"""
# In the third of sixteen steps to the optimiser's next, for which the workers have to go on.
TRAINING = """
from ser_lib.training.trainer import Trainer
quick, steps = Trainer._loss, []
def loss(self, logits, labels, shared=False):
    steps.append(shared)
    if sum(steps) == 3:
        ask_all().wait()
    return quick(self, logits, labels, shared)
Trainer._loss = loss
"""
# While the run waits for its workers, which are half-way to their next batches by then.
ENCODING = """
import functools
from ser_lib.data.clips import collate
from ser_lib.training import embeddings
write, batches = embeddings._write, []
def asking(*arguments):
    batches.append(1)
    if len(batches) == 3:
        ask_all(0.2)
    write(*arguments)
def slow(items):
    time.sleep(0.5)
    return collate(items)
embeddings._write = asking
embeddings.clip_loader = functools.partial(embeddings.clip_loader, collate_fn=slow)
"""


@pytest.mark.parametrize("stage", ["training", "encoding"])
def test_workers_that_are_asked_too_leave_it_to_the_run(
    stage, harness, tiny_encoder, repository, tmp_path
):
    words = ["--num_workers", "2", "--batch_size", "4", "--number_of_epochs", "1"]
    system, before = harness, ALL
    if stage == "training":
        words += ["--cache_features", "false", "--gradient_accumulation_steps", "16"]
        before += TRAINING
    else:
        yaml = repository / "hparams" / "pretrained" / "frozen_encoder.yaml"
        system, before = Harness(yaml, harness.data, tmp_path), before + ENCODING
        words += ["--encoder", str(tiny_encoder("hubert"))]
    environment = {**os.environ, "SER_CACHE": str(tmp_path / "cache")}
    more = {"code": 143, "before": before, "environment": environment}
    text = system.run(tmp_path / "run", *words, **more)
    assert "Traceback" not in text and "DataLoader worker" not in text
    assert ("epoch 1 is saved after step 16 of 32" in text) == (stage == "training")
    assert "start the same command again to go on" in text


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

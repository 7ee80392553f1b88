"""Killed and started again; and several processes as one."""

import json
import signal
import time

import pytest

from ser_lib.evaluation.predictions import read_predictions

LONG = ("--number_of_epochs", "12")


def wait(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def test_killed_in_mid_epoch_it_ends_with_the_weights_of_an_unbroken_run(command, tmp_path):
    unbroken = command(tmp_path / "unbroken", *LONG)
    killed = command(tmp_path / "killed", *LONG, start_new_session=True)
    history = tmp_path / "killed" / "history.jsonl"
    deadline = time.monotonic() + 240
    while not (history.exists() and len(history.read_text().splitlines()) >= 3):
        assert killed.poll() is None, killed.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "killed" / "metrics.json").exists()
    wait(unbroken)
    output = wait(command(tmp_path / "killed", *LONG))
    assert "going on after epoch" in output
    for name in ("model/model.safetensors", "checkpoints/epoch-0012/model.safetensors"):
        assert (tmp_path / "unbroken" / name).read_bytes() == (
            tmp_path / "killed" / name
        ).read_bytes(), name
    assert read_predictions(tmp_path / "unbroken" / "predictions.csv").equals(
        read_predictions(tmp_path / "killed" / "predictions.csv")
    )


def test_two_processes_score_each_clip_once_with_the_metrics_of_one(command, recipe, tmp_path):
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone")
    wait(command(tmp_path / "two", "--number_of_epochs", "1", launcher=torchrun))
    table = read_predictions(tmp_path / "two" / "predictions.csv")
    assert len(table) == len(set(table["id"])) == 16
    # One process scores the same weights again: take away the report, not the checkpoint.
    (tmp_path / "two" / "metrics.json").unlink()
    code, _, _ = recipe(tmp_path / "two", "--number_of_epochs", "1")
    assert code == 0
    again = read_predictions(tmp_path / "two" / "predictions.csv")
    assert list(again["id"]) == list(table["id"])
    assert list(again["predicted"]) == list(table["predicted"])
    for column in table.filter(like="p_"):
        assert again[column].to_numpy() == pytest.approx(table[column].to_numpy(), abs=1e-5)
    metrics = json.loads((tmp_path / "two" / "metrics.json").read_text())
    assert metrics["run"]["epochs_run"] == 1

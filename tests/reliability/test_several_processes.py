"""Several processes and two hosts: the numbers of one process, and what happens when one dies."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from harness import until
from launch import Launcher, descendants, end, pull_the_cable, stop, two_hosts

from ser_lib.evaluation.predictions import read_predictions

pytestmark = pytest.mark.slow
# The corpus lacks one clip of the test side: its 15 do not divide among two processes.
EPOCHS = ("--number_of_epochs", "3")
FEWER = ("--number_of_epochs", "2")
ENDLESS = ("--number_of_epochs", "9000")


@pytest.fixture(scope="module")
def plain(small_yaml, tmp_path_factory):
    """The small system without dropout, whose masks every process draws for itself."""
    text = small_yaml.read_text()
    none = "\n    conv_dropout: 0.0\n    transformer_dropout: 0.0"
    text = text.replace("    d_feedforward: 16", f"    d_feedforward: 16{none}")
    path = tmp_path_factory.mktemp("plain") / "plain.yaml"
    path.write_text(text.replace("patience: 0", "patience: 0\nclass_weights: balanced"))
    return path


@pytest.fixture(scope="module")
def launcher(repository, plain, small_ravdess, tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    data = tmp_path_factory.mktemp("odd") / "RAVDESS"
    data.mkdir()
    for actor in small_ravdess.iterdir():
        (data / actor.name).mkdir()
        for clip in actor.iterdir():
            os.link(clip, data / actor.name / clip.name)
    next((data / "Actor_01").iterdir()).unlink()
    return Launcher(repository, plain, data, logs)


@pytest.fixture(scope="module")
def alone(launcher, tmp_path_factory):
    """The run of one process (Path)."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    end(launcher.processes(1, folder, *EPOCHS))
    return folder


def history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def agree(folder, alone):
    """Assert that two runs have the same numbers, to rounding, and score each clip once."""
    for row, expected in zip(history(folder), history(alone), strict=True):
        for key in ("train_loss", "train_wa", "validation_loss", "validation_ua"):
            assert row[key] == pytest.approx(expected[key], abs=1e-4), (row["epoch"], key)
    table, expected = (read_predictions(f / "predictions.csv") for f in (folder, alone))
    assert len(table) == 15
    assert list(table["id"]) == list(expected["id"])
    assert list(table["predicted"]) == list(expected["predicted"])
    for column in table.filter(like="p_"):
        assert table[column].to_numpy() == pytest.approx(expected[column].to_numpy(), abs=1e-3)
    found, wanted = (json.loads((f / "metrics.json").read_text()) for f in (folder, alone))
    for name in ("ua", "wa", "macro_f1"):
        assert found["metrics"][name]["value"] == wanted["metrics"][name]["value"]


@pytest.mark.parametrize("numbers", [(2, 2), (2, 1), (1, 2)])
def test_begun_by_some_and_ended_by_others_it_is_the_run_of_one(launcher, alone, tmp_path, numbers):
    for number, epochs in zip(numbers, (FEWER, EPOCHS), strict=True):
        end(launcher.processes(number, tmp_path / "run", *epochs))
    agree(tmp_path / "run", alone)


def test_two_hosts_are_the_run_of_one(launcher, alone, tmp_path):
    with two_hosts():
        for epochs in (FEWER, EPOCHS):
            end(*launcher.hosts(tmp_path / "run", *epochs))
    agree(tmp_path / "run", alone)


def test_a_smaller_last_batch_keeps_nobody_waiting(launcher, tmp_path):
    folder = tmp_path / "run"
    end(launcher.processes(2, folder, *FEWER, "--batch_size", "14", "--drop_last", "false"))
    assert len(history(folder)) == 2
    items = 2 * len(json.loads((folder / "ledger.json").read_text())["train"])  # and noisy copies
    assert 0 < items % 14 <= 7, "one half of the last batch would be empty if it were not filled"


def test_hosts_that_share_no_disk_are_told_so(launcher, tmp_path):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    with two_hosts():
        texts = end(*launcher.hosts(shelf / "run", *EPOCHS, own_disk=shelf), codes=(1,))
    assert "is not the same folder on all machines of this run" in texts[0]


def test_sigterm_saves_once_for_all_processes(launcher, alone, tmp_path):
    folder = tmp_path / "run"
    process = launcher.processes(2, folder, *EPOCHS)
    until(lambda: (folder / "history.jsonl").exists(), 120)
    os.kill(process.pid, signal.SIGTERM)
    (text,) = end(process, codes=(1, 143, 128 + signal.SIGTERM, -signal.SIGTERM))
    assert text.count("interrupted; epoch") == 1, text
    end(launcher.processes(2, folder, *EPOCHS))
    agree(folder, alone)


def usable(folder, launcher):
    """Assert that what a broken run left is gone on from."""
    (text,) = end(launcher.processes(1, folder, "--number_of_epochs", len(history(folder)) + 1))
    assert "going on after epoch" in text


def test_a_process_that_dies_ends_the_other_within_a_minute(launcher, tmp_path):
    folder = tmp_path / "run"
    process = launcher.processes(2, folder, *ENDLESS)
    until(lambda: (folder / "history.jsonl").exists(), 120)
    # Not through torchrun, which would see it at once: the second process, by its own number.
    victim = next(pid for pid in descendants(process.pid) if environment(pid).get("RANK") == "1")
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    (text,) = end(process, codes=(1,), seconds=60)
    assert time.monotonic() - began < 60
    assert "another process of this run has ended" in text or "interrupted" in text, text
    usable(folder, launcher)


@pytest.mark.parametrize("how", ["killed", "cable"])
def test_a_host_that_goes_ends_the_other_within_a_minute(launcher, tmp_path, how):
    folder = tmp_path / "run"
    with two_hosts():
        first, second = launcher.hosts(folder, *ENDLESS)
        try:
            until(lambda: (folder / "history.jsonl").exists(), 120)
            began = time.monotonic()
            if how == "killed":
                stop(second)
                (text,) = end(first, codes=(1,), seconds=60)
                assert "another process of this run has ended" in text, text
            else:
                pull_the_cable()
                texts = end(first, codes=(1,), seconds=60)
                until(lambda: "cannot be reached" in second.log.read_text(), 60)
                assert "process 1 of this run has been silent" in texts[0]
            assert time.monotonic() - began < 60
        finally:
            stop(first)
            stop(second)
    usable(folder, launcher)


def environment(pid):
    """Environment (dict) of a process."""
    text = Path(f"/proc/{pid}/environ").read_text()
    return dict(pair.partition("=")[::2] for pair in text.split("\0"))

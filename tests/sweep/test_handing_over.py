"""Sweeps that share a folder: waited for, interrupted, hung up on, killed, outbid."""

import errno
import fcntl
import json
import os
import signal
import termios
import time

import pytest

from ser_lib.sweep.claims import Claim, Claims
from ser_lib.sweep.grid import read_grids

FIRST = "RAVDESS/ravdess-si6/small/fold-1"
SLOW = {"overrides": {"lr": 30.0}}


@pytest.fixture
def held(tmp_path, root):
    """``held(grid)`` claims the first run of a grid for the test; returns the claim."""

    def take(path, **options):
        key = read_grids([path], root)[0].key
        return Claims(tmp_path / "runs" / "claims", **options).take(key)

    return take


@pytest.fixture
def child(tmp_path):
    """``child()`` is the process of the last start of a run."""

    def pid():
        return int(next((tmp_path / "runs").rglob("starts.txt")).read_text().split()[-1])

    return pid


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_others_make_is_waited_for_and_made_where_they_leave(grid, start, sweep, held):
    path = grid({}, {"folds": [2]})
    claim = held(path)
    host = claim._told["host"].partition(":")[0]
    assert f"running ({host}, process {os.getpid()})" in sweep(path, "--list")[1]
    process = start(path)
    lines = [process.stdout.readline() for _ in range(2)]
    assert "fold-2: UA 50.0 %" in lines[0]
    assert lines[1] == f"{FIRST}: in other hands ({host}, process {os.getpid()}), waiting for it\n"
    time.sleep(2.5)
    claim.release()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "2 runs: made 2, done before 0" in out, out
    assert "waiting" not in out


def test_a_failure_in_other_hands_is_ours_too(grid, start, held, tmp_path):
    path = grid({})
    claim = held(path)
    process = start(path)
    assert "waiting for it" in process.stdout.readline()
    folder = tmp_path / "runs" / "failed" / claim._name.replace("--", "/")
    folder.mkdir(parents=True)
    (folder / "failure.json").write_text(json.dumps({"error": "no such clip"}))
    claim.release()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 3 and f"failed: {FIRST}: no such clip" in out, out


def test_a_claim_that_goes_stale_while_waited_for_is_taken_over(grid, start, held, starts):
    path = grid({})
    claim = held(path, stale=4)
    began = time.monotonic()
    process = start(path, "--stale", "1")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "waiting for it" in out and "made 1" in out, out
    assert time.monotonic() - began > 4 and not claim.beat() and starts() == {"fold-1": 1}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_cleanly(
    grid, start, starts, at_work, wait_for, child, tmp_path, signum
):
    process = start(grid({**SLOW, "folds": [1, 2]}))
    wait_for(starts)
    process.send_signal(signum)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signum, out
    assert "left 2" in out and "interrupted" in out and "Traceback" not in out
    assert not at_work() and not (tmp_path / "runs" / "failed").exists() and gone(child())


def test_somebody_who_waits_can_be_interrupted(grid, start, held):
    path = grid({})
    claim = held(path)
    process = start(path)
    assert "waiting for it" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 130 and "left 1" in out, out
    assert claim.held()


def test_a_lost_terminal_ends_the_sweep_and_its_runs(grid, start, starts, at_work, wait_for, child):
    ours, its = os.openpty()

    def own_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), its)
    process = start(grid(SLOW), start_new_session=True, preexec_fn=own_terminal, **pipes)
    os.close(its)
    wait_for(starts)
    os.close(ours)
    process.wait(30)
    assert gone(child()) and not at_work()


def test_under_nohup_a_lost_terminal_is_nothing(grid, start, starts, wait_for, child):
    process = start(grid(SLOW), before=["nohup"])
    wait_for(starts)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None and not gone(child())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


def test_a_killed_sweeps_run_ends_and_is_taken_over(
    grid, start, starts, wait_for, child, root, sweep
):
    process = start(grid(SLOW))
    wait_for(starts)
    process.kill()
    process.communicate()
    wait_for(lambda: gone(child()))
    script = root / "recipes" / "RAVDESS" / "train.py"
    script.write_text(script.read_text().replace("time.sleep", "float"))
    code, out, _ = sweep(grid(SLOW))
    assert code == 0 and "made 1" in out and starts() == {"fold-1": 2}


def test_an_outbid_sweep_ends_its_run_and_waits_for_the_others(
    grid, start, starts, wait_for, child, tmp_path
):
    process = start(grid(SLOW), "--stale", "1")
    wait_for(starts)
    first = child()
    (claim,) = (tmp_path / "runs" / "claims").glob("*.1.claim")
    theirs = {"host": "elsewhere", "pid": 1, "token": "theirs", "stale": 600}
    claim.with_name(claim.name.replace(".1.claim", ".2.claim")).write_text(json.dumps(theirs))
    said = [process.stdout.readline() for _ in range(2)]
    assert gone(first)
    assert said[0] == f"{FIRST}: left to another, as our heartbeat stood still\n"
    assert said[1] == f"{FIRST}: in other hands (elsewhere, process 1), waiting for it\n"
    assert starts() == {"fold-1": 1}


def test_a_full_disk_leaves_no_run_behind_that_nobody_holds(grid, sweep, at_work, monkeypatch):
    pids = []

    def child(self, pid):
        pids.append(pid)
        raise OSError(errno.ENOSPC, "No space left on device", "claim")

    monkeypatch.setattr(Claim, "child", child)
    code, _, err = sweep(grid(SLOW))
    assert code == 2 and "No space left" in err
    assert gone(pids[0]) and not at_work()

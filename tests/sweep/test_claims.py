import errno
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ser_lib.errors import RunError
from ser_lib.sweep import claims as claims_module
from ser_lib.sweep.claims import Claims, host

NAME = "RAVDESS/p/s/fold-1/0123abcd"
_TAKER = """
    import sys
    from ser_lib.sweep.claims import Claims
    claims = Claims(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    taken = [n for n in range(40) if claims.take(f"run-{n}") is not None]
    print(taken, flush=True)
    sys.stdin.readline()
"""


def test_a_claim_is_taken_once_and_again_after_its_release(tmp_path):
    claims = Claims(tmp_path)
    claim = claims.take(NAME)
    assert claim.held() and claim.beat()
    assert claims.take(NAME) is None
    assert claims.take(NAME + "-other") is not None
    assert f"process {os.getpid()}" in claims.holder(NAME)
    claim.release()
    assert claims.holder(NAME) is None and claims.take(NAME) is not None


def test_two_processes_share_runs_without_overlap(tmp_path, helper, repository):
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    line = [sys.executable, str(helper(_TAKER)), str(tmp_path / "claims")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(line, env=environment, **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [json.loads(process.stdout.readline()) for process in both]
    for process in both:
        process.communicate("leave\n")
    assert sorted(taken[0] + taken[1]) == list(range(40))


def test_many_threads_take_over_a_dead_claim_once(tmp_path):
    claims = Claims(tmp_path)
    for number in range(20):
        name = f"run-{number}"
        plant(tmp_path, name, host=host(), pid=dead_process(), token="old")
        taken, start = [], threading.Barrier(6)

        def take(name=name, taken=taken, start=start):
            start.wait()
            claim = claims.take(name)
            if claim is not None:
                taken.append(claim)

        threads = [threading.Thread(target=take) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) <= 1
        # Where two got in each other's way, neither has it, and it is still to be had.
        assert taken or claims.take(name) is not None


def test_a_claim_of_a_dead_process_of_this_host_is_taken_at_once(tmp_path):
    plant(tmp_path, NAME, host=host(), pid=dead_process(), token="old")
    assert Claims(tmp_path).take(NAME) is not None


def test_a_claim_of_a_process_that_came_later_under_the_same_id_is_dead(tmp_path):
    plant(tmp_path, NAME, host=host(), pid=os.getpid(), born="1", token="old")
    assert Claims(tmp_path).take(NAME) is not None


def test_a_claim_whose_work_goes_on_without_its_holder_is_alive_then_ended(tmp_path):
    work = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        told = {"child": work.pid, "child_born": claims_module._born(work.pid)}
        path = plant(tmp_path, NAME, host=host(), pid=dead_process(), token="old", **told)
        assert Claims(tmp_path).take(NAME) is None
        work.terminate()
        work.wait()
        assert path.exists() and Claims(tmp_path).take(NAME) is not None
    finally:
        work.kill()


def test_a_claim_of_another_host_lives_by_its_heartbeat(tmp_path):
    path = plant(tmp_path, NAME, host="elsewhere", pid=1, token="old")
    claims = Claims(tmp_path, stale=100)
    assert claims.take(NAME) is None and claims.holder(NAME) == "elsewhere, process 1"
    age(path, claims, 101)
    assert claims.holder(NAME) is None
    assert claims.take(NAME) is not None


def test_a_holder_that_was_outbid_learns_of_it_and_leaves_the_new_claim_alone(tmp_path):
    claims = Claims(tmp_path, stale=100)
    slow = claims.take(NAME)
    age(slow._path, claims, 101)
    new = claims.take(NAME)
    assert new is not None and not slow.beat()
    slow.release()
    assert new.held() and claims.take(NAME) is None


def test_a_number_is_never_given_again(tmp_path):
    claims = Claims(tmp_path, stale=100)
    slow = claims.take(NAME)
    age(slow._path, claims, 101)
    claims.take(NAME).release()
    third = claims.take(NAME)
    assert not slow.held() and not slow.beat()
    assert not slow.child(os.getpid())
    slow.release()
    assert not slow.held() and third.held() and third.beat()
    third.release()
    assert claims.take(NAME) is not None


def test_a_claim_in_a_folder_that_was_emptied_is_lost(tmp_path):
    claims = Claims(tmp_path)
    first = claims.take(NAME)
    first._path.unlink()
    assert not first.beat()
    second = claims.take(NAME)
    assert second._path == first._path
    first.child(os.getpid())
    first.release()
    assert not first.held() and second.held() and claims.take(NAME) is None


def test_noting_the_child_makes_no_claim_and_is_never_seen_half(tmp_path, monkeypatch):
    claims = Claims(tmp_path)
    claim = claims.take(NAME)
    monkeypatch.setattr(Path, "write_text", None)  # a reader in its midst would see an empty claim
    assert claim.child(os.getpid()) and claim.held()
    assert json.loads(claim._path.read_text())["child"] == os.getpid()
    claim._path.unlink()
    assert not claim.child(os.getpid())
    assert not claim._path.exists() and not claim.held()


def test_a_claim_is_released_on_a_full_disk(tmp_path, monkeypatch):
    claims = Claims(tmp_path)
    claim = claims.take(NAME)
    with monkeypatch.context() as patch:
        patch.setattr(claims_module, "write_text", full)
        patch.setattr(json, "dump", full)
        with pytest.raises(OSError, match="No space"):
            claims.take("another")
        claim.release()
    assert claims.take("another") is not None
    assert claims.holder(NAME) is None and Claims(tmp_path, stale=1e9).take(NAME) is not None


@pytest.mark.parametrize("theirs, ours", [(1000, 100), (100, 1000)])
def test_a_claim_is_dead_after_its_holders_time_or_the_readers_the_longer(tmp_path, theirs, ours):
    claim = Claims(tmp_path, stale=theirs).take(NAME)
    reader = Claims(tmp_path, stale=ours)
    age(claim._path, reader, 500)
    assert reader.take(NAME) is None and claim.held()
    age(claim._path, reader, 1001)
    assert reader.take(NAME) is not None


def test_machines_of_one_name_are_told_apart(tmp_path, monkeypatch):
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.is_file():
        pytest.skip("this system tells no boot_id")
    assert boot.read_text().strip() in host()
    read = Path.read_text
    told = plant(tmp_path, NAME, host=host(), pid=dead_process(), token="old")
    with monkeypatch.context() as patch:
        patch.setattr(
            Path, "read_text", lambda self, **kw: "another\n" if self == boot else read(self, **kw)
        )
        claims = Claims(tmp_path)
        assert claims.take(NAME) is None and told.exists()
        assert claims.holder(NAME).startswith(f"{socket.gethostname()}, process ")
    assert Claims(tmp_path).take(NAME) is not None


def test_a_claim_that_changed_hands_while_we_looked_is_left_alone(tmp_path, monkeypatch):
    path = plant(tmp_path, NAME, host="elsewhere", pid=1, token="old")
    claims, others = Claims(tmp_path), []

    def slow_look(self, *_):
        if not others:
            path.unlink()
            others.append(Claims(tmp_path).take(NAME))
        return True

    monkeypatch.setattr(Claims, "_dead", slow_look)
    assert claims.take(NAME) is None
    assert others[0].held()


def test_a_claim_that_is_being_written_is_nobodys_to_take(tmp_path):
    (tmp_path / "run.1.claim").write_text("")
    assert Claims(tmp_path).take("run") is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write there"):
        Claims(tmp_path / "file" / "claims")


def plant(folder, name, **told):
    path = folder / f"{name.replace('/', '--')}.1.claim"
    path.write_text(json.dumps(told))
    return path


def age(path, claims, seconds):
    old = claims.now() - seconds
    os.utime(path, (old, old))


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid

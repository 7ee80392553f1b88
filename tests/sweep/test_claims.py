import json
import os
import subprocess
import sys
import threading

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
    old = claims.now() - 101
    os.utime(path, (old, old))
    assert claims.holder(NAME) is None
    assert claims.take(NAME) is not None


def test_a_holder_that_was_outbid_learns_of_it_and_leaves_the_new_claim_alone(tmp_path):
    claims = Claims(tmp_path, stale=100)
    slow = claims.take(NAME)
    old = claims.now() - 101
    os.utime(slow._path, (old, old))
    new = claims.take(NAME)
    assert new is not None and not slow.beat()
    slow.release()
    assert new.held() and claims.take(NAME) is None


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


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid

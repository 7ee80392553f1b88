import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ser_lib.sweep.process import Process

_TOLD = """
import json, os, sys
print(json.dumps([__name__, __file__, sys.argv, sys.path[0], sys.stdin.read()]), flush=True)
sys.exit(7)
"""
_PATIENT = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: (print("asked", flush=True), %s))
print("ready", flush=True)
time.sleep(60)
time.sleep(60)
"""


@pytest.fixture
def begin(tmp_path):
    """``begin(text)`` starts a script, ``words`` behind it; what it says is in ``said``."""
    (tmp_path / "folder").mkdir()
    out = (tmp_path / "said").open("wb")

    def start(text, *words, patience=60.0):
        (tmp_path / "folder" / "script.py").write_text(text)
        return Process(["folder/script.py", *words], patience, cwd=tmp_path, stdout=out)

    yield start
    out.close()


def test_the_script_is_run_as_python_runs_it(begin, tmp_path):
    with begin(_TOLD, "--lr", "1") as process:
        assert process.wait(30) == 7
    line = [sys.executable, "folder/script.py", "--lr", "1"]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    plain = json.loads(subprocess.run(line, cwd=tmp_path, **pipes).stdout)
    ours = json.loads((tmp_path / "said").read_text())
    # Python itself makes this one absolute.
    assert tmp_path / ours.pop(1) == tmp_path / plain.pop(1)
    assert ours == plain


@pytest.mark.parametrize(("then", "patience", "code"), [("exit(5)", 60, 5), ("0", 0.5, -9)])
def test_it_leaves_when_nobody_holds_the_other_end(begin, tmp_path, wait_for, then, patience, code):
    with begin(_PATIENT % then, patience=patience) as process:
        wait_for(lambda: "ready" in (tmp_path / "said").read_text())
        process._popen.stdin.close()
        assert process.wait(30) == code
    assert "asked" in (tmp_path / "said").read_text()


def test_it_is_asked_before_it_is_ended(begin, tmp_path, wait_for):
    with begin(_PATIENT % "exit(5)") as process:
        wait_for(lambda: "ready" in (tmp_path / "said").read_text())
        process.send_away(threading.Event())
        assert process.wait(0) == 5


def test_impatience_ends_a_stubborn_one_sooner(begin, tmp_path, wait_for):
    with begin(_PATIENT % "0") as process:
        wait_for(lambda: "ready" in (tmp_path / "said").read_text())
        hurry, began = threading.Event(), time.monotonic()
        hurry.set()
        process.send_away(hurry)
        assert process.wait(0) == -signal.SIGTERM and time.monotonic() - began < 5


def test_an_error_in_the_sweep_ends_it(begin):
    with pytest.raises(OSError, match="full"), begin(_PATIENT % "0") as process:
        raise OSError("full")
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)

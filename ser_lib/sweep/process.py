"""The process that makes one run: it leaves when it is asked to, and when its sweep is gone.

A sweep that was killed can ask nobody. So its processes hold one end of a pipe whose other end only
the sweep has, and leave when that closes. The process runs this very file first, which then runs
the command's script as ``python SCRIPT`` does.
"""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

# A training that is asked to leave saves first.
GRACE_S = 60.0


class Process:
    """A command at work; as a context manager, killed where its body ends before it has.

    Arguments
    ---------
    words : list of str
        Script and arguments.
    patience : float
        Seconds to leave in when it is asked to, or when the sweep is gone.
    **options
        For :class:`subprocess.Popen`: ``cwd``, ``env``, ``stdout``.
    """

    def __init__(self, words, patience=GRACE_S, **options):
        self._popen = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), str(patience), *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # So that its helpers go with it, and a terminal's Ctrl-C does not reach it by itself.
            start_new_session=True,
            **options,
        )
        self.pid, self._patience = self._popen.pid, patience

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._popen.stdin.close()

    def wait(self, seconds):
        """Its exit code (int) once it has ended, None where it goes on after so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self._popen.returncode

    def send_away(self, hurry):
        """Ask it to leave, and see that it does; sooner once ``hurry`` (threading.Event) is set."""
        for signum, patience in ((signal.SIGINT, self._patience), (signal.SIGTERM, 5.0)):
            self._signal(signum)
            until = time.monotonic() + patience
            while self._popen.poll() is None and time.monotonic() < until:
                if hurry.is_set() and signum == signal.SIGINT:
                    break
                time.sleep(0.05)
            if self._popen.returncode is not None:
                return
        self.kill()

    def kill(self):
        """End it at once, if it has not ended."""
        if self._popen.poll() is None:
            self._signal(signal.SIGKILL)
            self._popen.wait()

    def _signal(self, signum):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signum)


def _main():
    patience, sys.argv = float(sys.argv[1]), sys.argv[2:]
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_leave_with_the_sweep, args=(lifeline, patience), daemon=True).start()
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


def _leave_with_the_sweep(lifeline, patience):
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGINT)
    time.sleep(patience)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _main()

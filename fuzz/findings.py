"""Run a target on an input, and keep what should not have happened, once for each place."""

import contextlib
import hashlib
import io
import signal
import time
import traceback

from ser_lib.errors import SerError

#: Seconds after which an input hangs.
PATIENCE = 20


class Findings:
    """What a target did.

    Arguments
    ---------
    run : callable
        Takes bytes.
    folder : Path or None
        Where inputs of findings are written.

    ``executions``, ``answered`` and ``refused`` count inputs, ``slowest`` is in s, and ``found``
    is a dict of a place in the code to ``(bytes, traceback)``.
    """

    def __init__(self, run, folder=None):
        self.run, self.folder = run, folder
        self.executions = self.answered = self.refused = 0
        self.slowest, self.found = 0.0, {}

    def one(self, data):
        """Run one input; a finding does not end it."""
        self.executions += 1
        begin = time.perf_counter()
        try:
            with _alarm(), contextlib.redirect_stderr(io.StringIO()):
                self.run(bytes(data))
            self.answered += 1
        except SerError as error:
            self.refused += 1
            if "\n" in str(error):
                self._keep(data, "an error of several lines", str(error))
        except Exception as error:  # that is what is looked for
            last = traceback.extract_tb(error.__traceback__)[-1]
            told = "".join(traceback.format_exception(error))
            self._keep(data, f"{type(error).__name__} {last.filename}:{last.lineno}", told)
        self.slowest = max(self.slowest, time.perf_counter() - begin)

    def _keep(self, data, place, told):
        known = self.found.get(place)
        if known is not None and len(known[0]) <= len(data):
            return
        self.found[place] = (bytes(data), told)
        if self.folder is not None:
            name = hashlib.sha256(place.encode()).hexdigest()[:12]
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
            (self.folder / f"{name}.txt").write_text(f"{place}\n\n{told}", errors="replace")


@contextlib.contextmanager
def _alarm():
    def ring(*_):
        raise TimeoutError(f"no answer within {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

"""Makes the runs of a plan: claimed, one process each, kept where they end well."""

import os
import sys
import threading
import time
from collections import deque
from pathlib import Path

from ser_lib.errors import HparamsError, RunError
from ser_lib.hparams import ROOT
from ser_lib.sweep.claims import HEARTBEAT_S, STALE_S, Claims
from ser_lib.sweep.failures import Failures, last_words
from ser_lib.sweep.forecast import Forecast, duration
from ser_lib.sweep.keep import kept, store
from ser_lib.sweep.process import GRACE_S, Process

# Between looks at what is in other hands.
_LOOK_S = 2.0


class Sweep:
    """A plan and where it is carried out.

    Arguments
    ---------
    plan : list of Planned
        What to make.
    results, runs : str or Path
        Where metrics and predictions are kept, and where runs, claims and failures are.
    data_root : str, Path or None
        Folder that holds the corpora, one folder each; None leaves it to the recipes.
    workers : int
        Runs at a time.
    replace : bool
        Put a run where the result of another command is.
    need_predictions : bool
        Make runs again of which metrics alone are kept.
    root : Path
        Checkout that holds ``recipes/``.
    heartbeat, stale : float
        Seconds between signs of life, and without one until a claim is dead.

    Raises
    ------
    HparamsError
        A place is taken by another command's result, or a corpus is not in ``data_root``.
    RunError
        ``runs`` cannot be written.
    """

    def __init__(
        self,
        plan,
        results,
        runs,
        data_root=None,
        workers=1,
        replace=False,
        need_predictions=False,
        root=ROOT,
        heartbeat=HEARTBEAT_S,
        stale=STALE_S,
    ):
        self.plan, self.workers, self.root = plan, workers, Path(root)
        self.results, self.runs = Path(results).resolve(), Path(runs).resolve()
        self.data_root = None if data_root is None else Path(data_root).resolve()
        self.replace, self.need_predictions = replace, need_predictions
        self.heartbeat = heartbeat
        self.claims = Claims(self.runs / "claims", stale)
        self._failures = Failures(self.runs / "failed", self.claims.here)
        self._check()
        self._began = self.claims.now()
        self._lock, self._stop, self._hurry = threading.Lock(), threading.Event(), threading.Event()
        self._queue, self._elsewhere, self._awaited = deque(plan), deque(), set()
        self._forecast = Forecast(workers)
        self.done, self.before, self.failed = [], [], {}
        self._fault, self._left = None, []

    def state(self, planned):
        """``done``, ``failed``, ``running (host, process 12)``, ``to do`` ... of a run (str)."""
        there = kept(planned, self.results)
        if self._settled(there):
            return "done" if there == "done" else "done, without predictions"
        if holder := self.claims.holder(planned.key):
            return f"running ({holder})"
        if self._failures.error(planned) is not None:
            return "failed"
        return "to do, in place of another command's" if there == "other" else "to do"

    def run(self):
        """Make what is to be made, and wait for what others make; what they leave is made too.

        Returns
        -------
        int
            0 where all are done, or 3 where a run failed.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, when the processes have left and the claims are free.
        """
        self._forecast.expect(p for p in self.plan if not self._settled(kept(p, self.results)))
        interruption = None
        for _ in range(self.workers):
            threading.Thread(target=self._work).start()
        # Not by join: a thread whose join was interrupted counts as ended (Python 3.11).
        while len(self._left) < self.workers:
            try:
                time.sleep(0.1)
            except KeyboardInterrupt as error:
                # The second time somebody is impatient.
                (self._hurry if self._stop.is_set() else self._stop).set()
                interruption = interruption or error
        if self._fault:
            raise self._fault
        self._summary()
        if interruption:
            raise interruption
        return 3 if self.failed else 0

    def _check(self):
        if self.data_root is not None:
            for recipe in dict.fromkeys(p.recipe for p in self.plan if not p.sample):
                if recipe != "Merged" and not (self.data_root / recipe).is_dir():
                    raise HparamsError(
                        f"{self.data_root / recipe} is not there; give --data_root the folder "
                        "that holds it, or leave out what needs it with --only"
                    )
        if not self.replace:
            taken = [p for p in self.plan if kept(p, self.results) == "other"]
            if taken:
                more = f" and {len(taken) - 1} more" if taken[1:] else ""
                raise HparamsError(
                    f"{self.results / taken[0].place}{more} holds the result of another command "
                    f"than {taken[0].command}; --replace puts the new one there, a variant in "
                    "the block beside it"
                )

    def _settled(self, there):
        return there == "done" or (there == "no predictions" and not self.need_predictions)

    def _work(self):
        try:
            while not self._stop.is_set():
                with self._lock:
                    waiting = not self._queue
                    runs = self._elsewhere if waiting else self._queue
                    planned = runs.popleft() if runs else None
                if planned is None:
                    return
                if self._visit(planned):
                    continue
                with self._lock:
                    self._elsewhere.append(planned)
                if waiting:
                    self._wait_for(planned)
        except BaseException as fault:
            # Raised again where the caller hears of it; nobody reads a thread's own traceback.
            self._fault = self._fault or fault
            self._stop.set()
        finally:
            self._left.append(True)

    def _wait_for(self, planned):
        """Pause before the next look at what others have; say so once a run."""
        holder = self.claims.holder(planned.key)
        if holder and planned.place not in self._awaited:
            self._awaited.add(planned.place)
            print(f"{planned.place}: in other hands ({holder}), waiting for it", flush=True)
        self._stop.wait(_LOOK_S / max(1, len(self._elsewhere)))

    def _visit(self, planned):
        """Make one run, unless it is done or has just failed; False where others have it (bool)."""
        if self._settled(kept(planned, self.results)):
            self.before.append(planned)
            return True
        claim = self.claims.take(planned.key)
        if claim is None:
            return False
        try:
            # Somebody may have ended it between our look and our claim.
            if self._settled(kept(planned, self.results)):
                self.before.append(planned)
            elif (error := self._failures.error(planned, self._began)) is not None:
                self.failed[planned.place] = error
            else:
                return self._make(planned, claim)
        finally:
            claim.release()
        return True

    def _make(self, planned, claim):
        """Make a run; False where somebody took it from us (bool)."""
        log = self.runs / "logs" / f"{planned.key}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        self._failures.forget(planned)
        folder = self.runs / planned.key
        began = time.monotonic()
        with (
            log.open("wb") as out,
            Process(
                [*planned.words, "--output_folder", str(folder)],
                # It has left before the claim, of which nobody takes care meanwhile, is dead.
                min(GRACE_S, self.claims.stale / 2),
                cwd=self.root,
                env=self._environment(),
                stdout=out,
            ) as process,
        ):
            ours = claim.child(process.pid)
            code = self._watch(process, claim) if ours else None
        if not claim.held():
            print(f"{planned.place}: left to another, as our heartbeat stood still", flush=True)
            return False
        if code is not None:
            self._ended(planned, log, folder, code, time.monotonic() - began)
        return True

    def _watch(self, process, claim):
        """Exit code (int) of a process; None where it was interrupted, or is ours no more."""
        beat = time.monotonic()
        while (code := process.wait(0.2)) is None:
            if self._stop.is_set():
                process.send_away(self._hurry)
                return None
            if time.monotonic() - beat >= self.heartbeat:
                beat = time.monotonic()
                if not claim.beat():
                    # Somebody else goes on in the same folder: nothing may be saved there now.
                    return None
        return None if self._stop.is_set() and code else code

    def _ended(self, planned, log, folder, code, seconds):
        """Keep what a run left (result or failure), and tell."""
        error = None
        if code:
            error = last_words(log) or f"it ended with code {code} and said nothing"
        else:
            try:
                metrics = store(planned, folder, self.results)
            except RunError as reason:
                error = str(reason)
        with self._lock:
            self._forecast.ended(planned, seconds)
            left = self._forecast.left()
            if error is None:
                self.done.append(planned)
                ua = metrics["metrics"]["ua"]["value"]
                told = f"UA {100 * ua:.1f} %, {duration(seconds)}"
            else:
                self.failed[planned.place] = error
                at = self._failures.keep(planned, log, error, code)
                told = f"FAILED after {duration(seconds)}: {error} (log: {at})"
            print(f"{planned.place}: {told}; {left}", flush=True)

    def _environment(self):
        environment = dict(os.environ)
        # Of several checkouts, the one that plans the runs makes them, whichever is installed.
        paths = (str(ROOT), environment.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        if self.data_root is not None:
            environment["SER_DATA"] = str(self.data_root)
        if self.workers > 1:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
            environment.setdefault("OMP_NUM_THREADS", str(max(1, cores // self.workers)))
        return environment

    def _summary(self):
        parts = [f"made {len(self.done)}", f"done before {len(self.before)}"]
        parts += [f"failed {len(self.failed)}"] if self.failed else []
        rest = len(self.plan) - sum(map(len, (self.done, self.before, self.failed)))
        parts += [f"left {rest}"] if rest else []
        print(f"{len(self.plan)} runs: {', '.join(parts)}", flush=True)
        for place, error in self.failed.items():
            print(f"  failed: {place}: {error}")
        sys.stdout.flush()

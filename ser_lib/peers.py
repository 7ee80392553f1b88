"""Several processes, perhaps on several machines, that are one run: how they hear of each other.

A step on several processes waits for all of them. Where one was killed, gloo notices at once
that its connection is closed; NCCL does not, and nobody notices a machine that lost its power or
its cable. So every process counts aloud in the store that brought them together, and leaves when
another has been silent for half a minute. Waiting as such may then last as long as it needs to:
the main process may compute features for hours while the others wait.
"""

import contextlib
import datetime
import logging
import os
import sys
import threading
import time

logger = logging.getLogger(__name__)

# Between two counts, and without any until a process is given up (s).
PAUSE_S = 2.0
SILENCE_S = 30.0
# How long one process may wait for another that is alive.
PATIENCE = datetime.timedelta(days=2)

_GO_ON = "start the same command again on all machines: it goes on after the last checkpoint"
# What gloo, NCCL and the store say when another process has gone.
_GONE = (
    *("connection closed by peer", "connection reset by peer", "broken pipe", "socket closed"),
    *("connection was likely closed", "connection refused", "timed out", "remote process exited"),
)


def start_processes(cpu):
    """Accelerate's state of this process, which joins the others of its run.

    Arguments
    ---------
    cpu : bool
        Whether there is no accelerator.

    Returns
    -------
    accelerate.PartialState
    """
    from accelerate import PartialState

    return PartialState(cpu=cpu, timeout=PATIENCE)


def lost_peer(error):
    """The line for a RuntimeError by which the transport says that another process has gone.

    Returns
    -------
    str or None
        None where the error says something else.
    """
    text = str(error)
    if "RANK" not in os.environ or not any(words in text.lower() for words in _GONE):
        return None
    reason = " ".join(text.split())[:160]
    return f"another process of this run has ended, its own lines say why ({reason}); {_GO_ON}"


class Watch:
    """Ends this process when another one of the run is silent, for a ``with`` statement.

    Does nothing where there is one process only.

    Arguments
    ---------
    state : accelerate.PartialState
        Number of this process and of all.
    """

    def __init__(self, state):
        self.rank, self.processes = state.process_index, state.num_processes
        self.done = threading.Event()
        # When each process, this one too, was last heard of in the store.
        self.heard = dict.fromkeys(range(self.processes), time.monotonic())
        # Two threads, for a store whose machine is gone may keep the one that asks for ever.
        self.threads = [
            threading.Thread(target=job, daemon=True) for job in (self._count, self._judge)
        ]

    def __enter__(self):
        if self.processes > 1:
            for thread in self.threads:
                thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()

    def _count(self):
        """Count aloud, and hear the others count."""
        counts = dict.fromkeys(self.heard, 0)
        try:
            store = self._store()
        except (RuntimeError, LookupError) as error:
            # Whoever brought these processes together keeps no store that can be asked.
            logger.warning("a process that dies will be noticed late (%s)", error)
            self.done.set()
            return
        with contextlib.suppress(RuntimeError):
            while not self.done.wait(PAUSE_S):
                store.add(_key(self.rank), 1)
                # Adding nothing is how a count is read without waiting for it.
                for rank in counts:
                    if (count := store.add(_key(rank), 0)) != counts[rank]:
                        counts[rank], self.heard[rank] = count, time.monotonic()

    def _judge(self):
        """Leave where somebody is silent, or the store itself."""
        while not self.done.wait(PAUSE_S):
            silent = [r for r, at in self.heard.items() if time.monotonic() - at > SILENCE_S]
            if self.rank in silent:
                _leave("the first process of this run, or its machine, cannot be reached")
            if silent:
                names = ", ".join(map(str, silent))
                _leave(f"process {names} of this run has been silent for {SILENCE_S:.0f} s")

    def _store(self):
        """A connection of its own, so that counting waits for nothing else."""
        from torch.distributed import TCPStore

        return TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=datetime.timedelta(seconds=SILENCE_S / 2),
            wait_for_workers=False,
        )


def _key(rank):
    return f"ser_lib/alive/{rank}"


def _leave(reason):
    """End the process although its main thread waits for somebody who will never come."""
    print(f"error: {reason}; {_GO_ON}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(2)

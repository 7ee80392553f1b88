"""Leaving when asked to: Ctrl-C, or the SIGTERM by which a scheduler takes a machine back.

Outside of training a request ends the command where it stands, since everything that is written
is written whole or not at all. Inside :class:`Requests` it is kept until there is a good moment.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time

# torchrun passes on what the terminal has sent already: only what comes later is impatience.
_SAME_S = 3.0


class Stopped(KeyboardInterrupt):
    """The command was asked to leave.

    Arguments
    ---------
    signum : int
        SIGINT or SIGTERM.
    saved : str
        What was saved just before, in words; empty where nothing was.
    """

    def __init__(self, signum, saved=""):
        super().__init__(saved or signal.Signals(signum).name)
        self.signum, self.saved = signum, saved

    @property
    def exit_code(self):
        """What shells expect (int): 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signum


@contextlib.contextmanager
def leaving_on_sigterm():
    """In here SIGTERM raises :class:`Stopped`, as Ctrl-C raises KeyboardInterrupt."""

    def leave(signum, frame):
        raise Stopped(signum)

    # Whoever calls us as a library may have a handler already.
    if not _in_main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Requests:
    """Requests to leave, kept until somebody asks for them; for a ``with`` statement.

    ``signum`` is that of the request (int), 0 while there is none. Somebody who asks again some
    seconds later does not want to wait: that raises :class:`Stopped` at once.
    """

    def __init__(self):
        self.signum, self._since, self._before = 0, 0.0, {}

    def __enter__(self):
        if _in_main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self._before[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(self, *_):
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def _note(self, signum, frame):
        if self.signum and time.monotonic() - self._since > _SAME_S:
            raise Stopped(signum)
        if not self.signum:
            self.signum, self._since = signum, time.monotonic()


def leave_it_to_the_parent(worker):
    """For worker processes of a loader (int, not used): requests reach them too, too early.

    A terminal and a scheduler ask all processes at once, and a loader whose worker has left raises
    an error before its parent has seen to leaving in order.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # macOS does not tell who sent a signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_heed_the_parent, daemon=True).start()


def _heed_the_parent():
    """End this process when its parent asks, as multiprocessing does with workers it has left."""
    parent = multiprocessing.parent_process().pid
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


def speaks_for_all():
    """Whether this is the process of a run that prints what all of them know (bool)."""
    return os.environ.get("RANK", "0") == "0"


def _in_main_thread():
    return threading.current_thread() is threading.main_thread()

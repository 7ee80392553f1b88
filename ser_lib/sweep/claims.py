"""Claims on runs, so that workers, processes and hosts on one shared folder never make one twice.

A claim is a file made with O_EXCL. Its holder touches it while at work (the heartbeat). A claim is
dead when its holder died on this very host, or when its heartbeat is old. Dead claims are not
deleted, which two could do at once, the second deleting what the first has just made; they are
outbid by a file of the next number, and only one can make that. Whoever holds the highest number
holds the run. The highest file outlives its release, dated to the epoch, so that no number is given
twice and no sleeper takes another's claim for its own; its token tells that even where the folder
was emptied.
"""

import contextlib
import json
import os
import signal
import socket
import time
import uuid
from pathlib import Path

from ser_lib.errors import RunError
from ser_lib.files import write_text

HEARTBEAT_S = 30.0
STALE_S = 600.0
_RELEASED = 0


class Claims:
    """The claims of one shared folder.

    Arguments
    ---------
    folder : str or Path
        Made where absent.
    stale : float
        Seconds without a heartbeat after which a claim is dead; those of its holder count where
        they are more.

    Raises
    ------
    RunError
        The folder cannot be written.
    """

    def __init__(self, folder, stale=STALE_S):
        self.folder, self.stale, self.here = Path(folder), stale, host()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.now()
        except OSError as error:
            raise RunError(
                f"{self.folder}: cannot write there ({error.strerror}); give another --runs"
            ) from error

    def now(self):
        """Seconds by the clock of the shared folder (float), which hosts agree on."""
        probe = self.folder / f".now-{uuid.uuid4().hex}"
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink()

    def take(self, name):
        """Claim a run.

        Arguments
        ---------
        name : str
            Of the run; slashes are allowed.

        Returns
        -------
        Claim or None
            None where somebody is at work on it.
        """
        name = name.replace("/", "--")
        number, before = self._highest(name)
        if before is not None and not self._dead(self._path(name, number), before):
            return None
        token = uuid.uuid4().hex
        mine = self._path(name, number + 1)
        told = {"host": self.here, "pid": os.getpid(), "born": _born(os.getpid()), "token": token}
        told["stale"] = self.stale
        try:
            file = mine.open("x", encoding="utf-8")
        except FileExistsError:
            return None
        claim = Claim(self, name, number + 1, told)
        try:
            with file:
                json.dump(told, file)
            # Where the folder was emptied since we looked, the number may be a living one's.
            past = _read(self._path(name, number)) or before
            ours = claim.held() and (before is None or past.get("token") == before.get("token"))
        except OSError:
            mine.unlink(missing_ok=True)
            raise
        if not ours:
            mine.unlink(missing_ok=True)
            return None
        if past and past.get("host") == self.here:
            _end_orphan(past)
        return claim

    def holder(self, name):
        """Who is at work on a run (str, ``host, process 12``), or None."""
        name = name.replace("/", "--")
        number, told = self._highest(name)
        if told is None or self._dead(self._path(name, number), told):
            return None
        return f"{str(told.get('host', '?')).partition(':')[0]}, process {told.get('pid', '?')}"

    def _path(self, name, number):
        return self.folder / f"{name}.{number}.claim"

    def _numbers(self, name):
        middles = (
            file.name.removeprefix(f"{name}.").removesuffix(".claim")
            for file in self.folder.glob(f"{_literal(name)}.*.claim")
        )
        return sorted(int(middle) for middle in middles if middle.isdecimal())

    def _highest(self, name):
        """Number and content of the claim that counts; 0 and None where there is none."""
        while numbers := self._numbers(name):
            told = _read(self._path(name, numbers[-1]))
            if told is not None:
                return numbers[-1], told
        return 0, None

    def _dead(self, path, told):
        try:
            seen = path.stat().st_mtime
        except FileNotFoundError:
            return True
        theirs = told.get("stale")
        stale = max(self.stale, theirs if isinstance(theirs, int | float) else 0)
        if seen == _RELEASED or self.now() - seen > stale:
            return True
        # A file caught between its making and its writing tells nobody yet: its age decides.
        at_home = told.get("host") == self.here
        return at_home and not any(
            _alive(told.get(pid), told.get(born)) for pid, born in _PROCESSES
        )


class Claim:
    """A run that is ours, until :meth:`release`."""

    def __init__(self, claims, name, number, told):
        self._claims, self._name, self._number, self._told = claims, name, number, told
        self._path = claims._path(name, number)

    def held(self):
        """Whether nobody has outbid it (bool), as happens to one whose heartbeat stood still."""
        number, told = self._claims._highest(self._name)
        return number == self._number and told.get("token") == self._told["token"]

    def beat(self):
        """Give a sign of life; returns whether the claim is still ours (bool)."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path)
        return self.held()

    def child(self, pid):
        """Note the process (int) that does the work: while it lives, the run is not free.

        Returns whether the claim is still ours (bool).
        """
        if not self.held():
            return False
        self._told |= {"child": pid, "child_born": _born(pid)}
        write_text(self._path, json.dumps(self._told))
        return True

    def release(self):
        """Give the run free; where somebody has outbid us it is theirs, and nothing is done."""
        if not self.held():
            return
        for number in self._claims._numbers(self._name):
            if number < self._number:
                self._claims._path(self._name, number).unlink(missing_ok=True)
        # Not by writing into it, which a full disk refuses.
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path, (_RELEASED, _RELEASED))


_PROCESSES = (("pid", "born"), ("child", "child_born"))


def host():
    """This host since it was started, and the container within (str): where process ids are one's.

    Machines may share a name, and the first namespace has the same number on all of them.
    """
    inside = started = ""
    with contextlib.suppress(OSError):
        inside = str(Path("/proc/self/ns/pid").readlink())
    with contextlib.suppress(OSError):
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return f"{socket.gethostname()}:{inside}:{started}"


def _alive(pid, born):
    """Whether a process (int, None for none) of this host lives and is no later one of its id."""
    if not isinstance(pid, int) or pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = _born(pid)
    return now != "dead" and (born is None or now is None or now == born)


def _born(pid):
    """When a process began, in ticks since the machine did (str); None where nobody tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    # A zombie has ended; its parent has not looked yet.
    return "dead" if fields[0] == "Z" else fields[19]


def _end_orphan(told):
    """End the work of a claim (dict) of this host that nobody looks after any more."""
    pid, born = told.get("child"), told.get("child_born")
    if born is None or not _alive(pid, born):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for _ in range(100):
        if not _alive(pid, born):
            return
        time.sleep(0.05)


def _read(path):
    """What a claim tells (dict), empty while it is being written; None where there is none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8") or "{}")
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _literal(name):
    """A name in which no letter is a wildcard (str)."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)

"""Runs of several processes: on this machine under torchrun, or on two hosts made as networks."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]


class Launcher:
    """Starts the RAVDESS recipe; ``yaml`` and ``data`` as it takes them, logs in a folder."""

    def __init__(self, repository, yaml, data, logs):
        self.script = repository / "recipes" / "RAVDESS" / "train.py"
        self.yaml, self.data, self.logs, self.started = yaml, data, logs, 0

    def start(self, before, folder, *more, **environment):
        """A process, in a session of its own, of ``before`` (list of words) and the recipe."""
        self.started += 1
        log = self.logs / f"{self.started}.txt"
        line = [*before, self.script, self.yaml, "--data_folder", self.data, "--allow_partial"]
        line += ["--output_folder", folder, *more]
        with log.open("w") as file:
            process = subprocess.Popen(
                [str(word) for word in line],
                env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.log = log
        return process

    def processes(self, number, folder, *more):
        """A run of several processes on this machine."""
        together = [*TORCHRUN, "--nproc_per_node", number, "--master_port", free_port()]
        return self.start(together if number > 1 else [sys.executable], folder, *more)

    def hosts(self, folder, *more, own_disk=None):
        """The same run on both hosts of :func:`two_hosts`; two processes.

        ``own_disk`` is a folder under which the second host has a disk of its own.
        """
        port = free_port()
        mount = f'mount -t tmpfs tmpfs {own_disk} && exec "$0" "$@"'
        apart = [[], ["sh", "-c", mount] if own_disk else []]
        return [
            self.start(
                ["ip", "netns", "exec", f"ser{name}", *apart[rank], *TORCHRUN, "--nnodes", 2]
                + ["--nproc_per_node", 1, "--node_rank", rank]
                + ["--master_addr", "10.77.0.1", "--master_port", port],
                *(folder, *more),
                GLOO_SOCKET_IFNAME=f"v{name}",
            )
            for rank, name in enumerate("AB")
        ]


def end(*processes, codes=(0,), seconds=300):
    """What processes print (list of str) that end with one of some exit codes."""
    texts = []
    for process in processes:
        try:
            code = process.wait(seconds)
        finally:
            stop(process)
        texts.append(process.log.read_text().replace("\r", "\n"))
        assert code in codes, f"exit code {code}\n{texts[-1]}"
    return texts


def stop(process):
    """Kill a process and all it has started, which torchrun puts into sessions of their own."""
    for pid in [process.pid, *descendants(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(30)


def descendants(pid):
    """Numbers of all processes that a process has started, and those have."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [one for child in text.split() for one in (int(child), *descendants(int(child)))]


def free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def two_hosts():
    """Network namespaces ``serA`` (10.77.0.1) and ``serB`` (10.77.0.2), joined by a cable."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("two hosts need root and the command `ip`")
    commands = """netns add serA
    netns add serB
    link add vA netns serA type veth peer name vB netns serB
    -n serA addr add 10.77.0.1/24 dev vA
    -n serB addr add 10.77.0.2/24 dev vB
    -n serA link set lo up
    -n serB link set lo up
    -n serA link set vA up
    -n serB link set vB up"""
    remove = [["ip", "netns", "del", f"ser{name}"] for name in "AB"]
    for command in remove:
        subprocess.run(command, capture_output=True)
    try:
        for command in commands.splitlines():
            done = subprocess.run(["ip", *command.split()], capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"this machine makes no network namespaces ({done.stderr.strip()})")
        yield
    finally:
        for command in remove:
            subprocess.run(command, capture_output=True)


def pull_the_cable():
    """Part the two hosts without a word to either."""
    subprocess.run(["ip", "-n", "serB", "link", "set", "vB", "down"], check=True)

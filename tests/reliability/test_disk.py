"""A disk that is full, over its quota or closed, and a second run in the same folder."""

import errno
import os
import subprocess

import pytest
from harness import outcome, same, until

FEWER, EPOCHS = ("--number_of_epochs", "2"), ("--number_of_epochs", "3")


def one_line(text):
    """The one ``error:`` line of what a run printed."""
    lines = [line for line in text.splitlines() if "error: " in line]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0].rpartition("\r")[2]


def checkpoints(folder):
    """Content of every complete checkpoint."""
    files = (folder / "checkpoints").glob("epoch-????/*")
    return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.fixture
def small_disk(as_root, tmp_path):
    """An empty disk of 64 MB (Path)."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_ends_in_one_line_and_is_gone_on_from(harness, unbroken, small_disk):
    folder = small_disk / "run"
    harness.run(folder, *FEWER)
    before, ballast = checkpoints(folder), small_disk / "ballast"
    space = os.statvfs(small_disk)
    # Room for the features, which are made again, and not for the checkpoint.
    ballast.write_bytes(bytes(space.f_bavail * space.f_frsize - 0))
    line = one_line(harness.run(folder, *EPOCHS, code=2))
    print(line)
    assert checkpoints(folder) == before
    ballast.unlink()
    harness.run(folder, *EPOCHS)
    same(outcome(folder), outcome(unbroken))


@pytest.mark.slow
def test_a_disk_that_turns_read_only_ends_in_one_line(harness, unbroken, small_disk):
    folder = small_disk / "run"
    harness.run(folder, *FEWER)
    before = checkpoints(folder)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    try:
        line = one_line(harness.run(folder, *EPOCHS, code=2))
    finally:
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert "Read-only file system" in line and str(folder) in line
    assert checkpoints(folder) == before
    harness.run(folder, *EPOCHS)
    same(outcome(folder), outcome(unbroken))


# Where the disk refuses for the first time, by part of the file's name, and how.
REFUSALS = [
    ("best.part", errno.ENOSPC),
    ("epoch-0003.part/optimizer.bin", errno.EDQUOT),
    ("epoch-0003.part/trainer.json", errno.ENOSPC),
    ("history.jsonl.part", errno.EDQUOT),
    ("features.f32", errno.ENOSPC),
    ("hyperparams.yaml", errno.EDQUOT),
    ("report.md", errno.ENOSPC),
    (".model.", errno.EDQUOT),
]
REFUSING = """
import builtins, io, os
real_fsync, real_open, real_write = os.fsync, io.open, os.write
def refuse(path):
    if {part!r} in str(path):
        raise OSError({number}, os.strerror({number}), str(path))
class Full:
    def __init__(self, file):
        self.file = file
    def __getattr__(self, name):
        return getattr(self.file, name)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()
    def write(self, *_):
        refuse(self.file.name)
def open_(file, mode="r", *more, **named):
    opened = real_open(file, mode, *more, **named)
    return Full(opened) if {part!r} in str(file) and mode[0] in "wa" else opened
def fsync(handle):
    refuse(os.readlink(f"/proc/self/fd/{{handle}}"))
    return real_fsync(handle)
io.open = builtins.open = open_
os.fsync = fsync
"""


@pytest.fixture(scope="module")
def begun(harness, tmp_path_factory):
    """A run of two epochs, to be gone on with."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    harness.run(folder, *FEWER)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("part", "number"), REFUSALS)
def test_wherever_the_disk_refuses_it_is_one_line(harness, begun, unbroken, tmp_path, part, number):
    folder = tmp_path / "run"
    subprocess.run(["cp", "-r", begun, folder], check=True)
    before = checkpoints(folder)
    refusing = REFUSING.format(part=part, number=number)
    text = harness.run(folder, *EPOCHS, code=2, before=refusing)
    assert os.strerror(number) in one_line(text)
    # As they were, or the next one has been added and the oldest has gone.
    assert len(before.items() & checkpoints(folder).items()) >= len(before) // 2
    harness.run(folder, *EPOCHS)
    same(outcome(folder), outcome(unbroken))


def test_a_second_run_in_the_folder_refuses_in_one_line(harness, unbroken, tmp_path):
    folder = tmp_path / "run"
    pause = "import time\nfrom ser_lib.training.trainer import Trainer\n"
    pause += "Trainer._report = lambda *_: time.sleep(60)\n"
    first = harness.start(folder, *EPOCHS, before=pause)
    until(lambda: (folder / "checkpoints" / "epoch-0001").exists())
    hasty = "from ser_lib.experiments import run_lock\nrun_lock._WAIT_S = 0.1\n"
    line = one_line(harness.run(folder, *EPOCHS, code=2, before=hasty))
    assert f"another command is at work in {folder}" in line
    # The lock goes with its process, however that ends.
    first.kill()
    first.join()
    harness.run(folder, *EPOCHS)
    same(outcome(folder), outcome(unbroken))

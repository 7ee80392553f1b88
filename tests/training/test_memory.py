"""The process keeps what it frees, and leaves a person's own settings alone."""

import platform
import subprocess
import sys

import pytest

from ser_lib.training import memory

_COUNT_FAULTS = """
import resource, torch
from ser_lib.training.memory import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
for _ in range(10):
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(keep):
    program = _COUNT_FAULTS.format(keep=keep)
    return int(subprocess.check_output([sys.executable, "-c", program], text=True))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_pages_are_not_cleared_again(monkeypatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    # 64 MiB: of blocks up to 32 the library learns by itself to keep them.
    assert _faults(keep=True) < 30 < _faults(keep=False)


def test_settings_of_the_person_stay(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert memory.keep_freed_memory() is False


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert memory.keep_freed_memory() is False

"""Fixtures of runs that are disturbed."""

import os
import sys
from pathlib import Path

import pytest

# The processes that are started import the harness by name.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def harness(small_yaml, small_ravdess, tmp_path_factory):
    """Starts runs of the small system on the small corpus."""
    from harness import Harness

    return Harness(small_yaml, small_ravdess, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def unbroken(harness, tmp_path_factory):
    """A run of three epochs that nothing disturbed (Path)."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    harness.run(folder, "--number_of_epochs", "3")
    return folder


@pytest.fixture
def as_root():
    """For tests that mount a disk or make a network."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk or make network namespaces")

"""Fixtures that several rooms share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_ravdess():
    """Folder of the real RAVDESS, from SER_REAL or ../shared/corpora; skips where absent."""
    root = Path(os.environ.get("SER_REAL", REPOSITORY.parent / "shared" / "corpora"))
    folder = root / "RAVDESS"
    if not folder.is_dir():
        pytest.skip(f"real RAVDESS is not at {folder}; set SER_REAL to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def repository():
    """Root of the checkout."""
    return REPOSITORY

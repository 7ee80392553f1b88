"""A model small enough for tests, as in tests/hub: random weights, 8 kHz, three classes."""

import importlib.util

import pytest

import ser_lib
from ser_lib.hub.saving import save_model

RATE = 8000
LABELS = ["angry", "happy", "sad"]


@pytest.fixture(scope="session")
def make_network(repository):
    spec = importlib.util.spec_from_file_location(
        "hub_conftest", repository / "tests" / "hub" / "conftest.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_network


@pytest.fixture(scope="session")
def model_folder(make_network, tmp_path_factory):
    """Read-only by convention; copy it to break it."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    return save_model(make_network(), folder, LABELS, {"corpora": ["RAVDESS-synthetic"], "fold": 1})


@pytest.fixture(scope="session")
def classify(model_folder):
    return ser_lib.load(model_folder, device="cpu")


@pytest.fixture
def noise():
    """Function of seconds: float32 noise at 8 kHz whose loudness and colour wander."""
    import numpy as np

    def make(seconds, seed=0):
        rng = np.random.default_rng(seed)
        time = np.arange(round(seconds * RATE)) / RATE
        sweep = np.sin(2 * np.pi * (200 + 150 * np.sin(0.9 * time)) * time)
        wander = 0.3 + 0.25 * np.sin(0.7 * time + seed)
        return (wander * (0.5 * sweep + 0.2 * rng.standard_normal(len(time)))).astype(np.float32)

    return make

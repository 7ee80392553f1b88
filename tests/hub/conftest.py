"""A model small enough for tests: random weights, 8 kHz, three classes."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from ser_lib.features.log_mel import LogMel
from ser_lib.features.scaler import CellStandardizer
from ser_lib.hub.saving import save_model
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.waveform_classifier import WaveformClassifier

RATE = 8000
LABELS = ["angry", "happy", "sad"]


def make_network(seed=0):
    torch.manual_seed(seed)
    front_end = LogMel(RATE, 0.0, 0.3, n_fft=256, win_length=200, hop_length=64, n_mels=16)
    classifier = CNNTransformer(
        len(LABELS), front_end.shape, (4, 8), (2, 4), n_layers=1, n_heads=2, d_feedforward=16
    )
    network = WaveformClassifier(front_end, CellStandardizer(front_end.shape), classifier)
    waveforms = torch.randn(6, 4000) * torch.linspace(0, 1, 4000)
    network.scaler.fit([network.features(waveforms)[0]])
    # One step in training mode, so that the batch-norm statistics are not those of a new model.
    network.train()(waveforms)
    return network.eval()


@pytest.fixture(scope="session")
def network():
    return make_network()


@pytest.fixture(scope="session")
def model_folder(network, tmp_path_factory):
    """Read-only by convention; copy it to break it."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    return save_model(network, folder, LABELS, {"corpora": ["RAVDESS-synthetic"], "fold": 1})


@pytest.fixture(scope="session")
def clip():
    """0.4 s of noise that grows, float32 at 8 kHz."""
    noise = np.random.default_rng(1).standard_normal(3200)
    return (0.2 * noise * np.linspace(0, 1, 3200)).astype(np.float32)


@pytest.fixture
def run_python(tmp_path):
    """Run a program in a fresh interpreter, away from the checkout; returns its output."""

    def run(program, *arguments, **variables):
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "HF_HOME": str(tmp_path / "hf"),
            "OMP_NUM_THREADS": "1",
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    return run

"""A small model folder to spoil, and programs in a process of their own."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from ser_lib.hub.saving import save_model

LABELS = ["angry", "happy", "sad"]


@pytest.fixture(scope="session")
def hub_conftest(repository):
    spec = importlib.util.spec_from_file_location(
        "hub_conftest", repository / "tests" / "hub" / "conftest.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def network(hub_conftest):
    return hub_conftest.make_network()


@pytest.fixture(scope="session")
def model_folder(network, tmp_path_factory):
    """Read-only by convention."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    return save_model(network, folder, LABELS, {"corpora": ["RAVDESS-synthetic"], "fold": 1})


@pytest.fixture
def copy(model_folder, tmp_path):
    """A copy of the model folder to spoil."""
    return shutil.copytree(model_folder, tmp_path / "model")


@pytest.fixture
def change():
    """Function that changes a JSON file: a dict to merge, or a function of its values."""

    def do(path, how):
        values = json.loads(path.read_text())
        values = {**values, **how} if isinstance(how, dict) else how(values) or values
        path.write_text(json.dumps(values))

    return do


@pytest.fixture
def run(tmp_path):
    """Run a program in a fresh interpreter; gives the finished process."""

    def do(program, *arguments, **variables):
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "HF_HOME": str(tmp_path / "hf"),
            "SER_CACHE": str(tmp_path / "cache"),
            "OMP_NUM_THREADS": "1",
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return do

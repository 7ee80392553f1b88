"""Running the RAVDESS recipe, in this process and in others."""

import os
import subprocess
import sys

import pytest

from ser_lib.corpora import ravdess
from ser_lib.recipe import main


@pytest.fixture
def recipe(small_yaml, small_ravdess, capfd):
    """``recipe(folder, *more, yaml=, data=)`` runs it; returns exit code, stdout and stderr."""

    def run(folder, *more, yaml=small_yaml, data=small_ravdess):
        line = [yaml, "--data_folder", data, "--output_folder", folder, "--allow_partial", *more]
        capfd.readouterr()
        code = main(ravdess, [str(word) for word in line])
        out, err = capfd.readouterr()
        # A progress bar is overwritten from the start of its line: what a person sees is the rest.
        return code, out, err.rpartition("\r")[2].lstrip()

    return run


@pytest.fixture
def command(repository, small_yaml, small_ravdess):
    """``command(folder, *more, launcher=)`` starts the recipe as a process of its own."""

    def start(folder, *more, launcher=(), **options):
        script = repository / "recipes" / "RAVDESS" / "train.py"
        python = [sys.executable, *launcher]
        line = [script, small_yaml, "--data_folder", small_ravdess, "--output_folder", folder]
        line = [*python, *line, "--allow_partial", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [str(word) for word in line],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    return start

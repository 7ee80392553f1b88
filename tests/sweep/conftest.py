"""A checkout with a recipe that trains nothing, so that a run takes a blink."""

import json
import textwrap

import pytest

from ser_lib.sweep.__main__ import main

# Writes what a recipe does; YAML keys make it slow, or let it fail.
_RECIPE = """
import json, os, shlex, sys, time
from pathlib import Path

words = sys.argv[1:]
options = {key[2:]: value for key, value in zip(words[1:], words[2:]) if key.startswith("--")}
folder = Path(options["output_folder"])
folder.mkdir(parents=True, exist_ok=True)
with (folder / "starts.txt").open("a") as file:
    file.write(f"{os.getpid()}\\n")
if options.get("batch_size") == "13":
    print("some words")
    print("error: no such clip; look again")
    sys.exit(2)
time.sleep(float(options.get("lr", "0")))
system, protocol, fold = Path(words[0]).stem, options["protocol"], options["fold"]
shown = [word for word in words]
at = shown.index("--output_folder")
del shown[at : at + 2]
shown[0] = "tests/hparams/" + Path(shown[0]).name
if "SER_DATA" in os.environ:
    shown += ["--data_folder", "PATH/TO/RAVDESS"]
run = {
    "system": system, "corpus": "RAVDESS", "protocol": protocol,
    "fold": fold if fold == "all" else int(fold), "seed": int(options.get("seed", 7)),
    "ledger_sha256": "ab" * 32,
    "command": shlex.join(["python", "recipes/RAVDESS/train.py", *shown]),
}
metrics = {"run": run, "clips": 2, "metrics": {"ua": {"value": 0.5}}}
(folder / "predictions.csv").write_text("id,emotion\\na,calm\\n")
(folder / "metrics.json").write_text(json.dumps(metrics))
"""


@pytest.fixture
def root(tmp_path):
    """Root of a checkout with the recipe RAVDESS."""
    script = tmp_path / "checkout" / "recipes" / "RAVDESS" / "train.py"
    script.parent.mkdir(parents=True)
    script.write_text(_RECIPE)
    return tmp_path / "checkout"


@pytest.fixture
def grid(tmp_path, small_yaml):
    """``grid(*blocks)`` writes a grid; what a block leaves out is a run of the small system."""

    def write(*blocks, name="grid.yaml"):
        usual = {"recipe": "RAVDESS", "system": str(small_yaml), "protocol": "ravdess-si6"}
        whole = [
            {key: value for key, value in usual.items() if f"{key}s" not in block} | block
            for block in blocks
        ]
        path = tmp_path / name
        path.write_text(json.dumps(whole))
        return path

    return write


@pytest.fixture
def sweep(root, tmp_path, capfd):
    """``sweep(grid, *more)`` runs the command; returns exit code, stdout and stderr."""

    def run(*words):
        line = [*words, "--results", tmp_path / "results", "--runs", tmp_path / "runs"]
        capfd.readouterr()
        code = main([str(word) for word in line], root)
        return (code, *capfd.readouterr())

    return run


@pytest.fixture
def helper(tmp_path):
    """``helper(text)`` writes a program for another process; returns its path."""

    def write(text):
        path = tmp_path / "helper.py"
        path.write_text(textwrap.dedent(text))
        return path

    return write

"""A checkout with a recipe that trains nothing, so that a run takes a blink."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import time

import pandas as pd
import pytest

from ser_lib.files import to_json
from ser_lib.protocols import lookup
from ser_lib.sweep.__main__ import main
from ser_lib.sweep.claims import Claims

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
if options.get("patience") == "9":
    shown += ["--lr", "0.9"]
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


@pytest.fixture
def start(root, tmp_path, helper, repository):
    """``start(grid, *more)`` runs the command in a process of its own, which it returns."""
    begun = []

    def start(*words, before=(), **options):
        program = helper(
            """
            import sys
            from pathlib import Path
            from ser_lib.sweep.__main__ import main
            sys.exit(main(sys.argv[2:], Path(sys.argv[1])))
            """
        )
        line = [*before, sys.executable, program, root, *words]
        line += ["--results", tmp_path / "results", "--runs", tmp_path / "runs"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        environment = {**os.environ, "PYTHONPATH": str(repository)}
        line = [str(word) for word in line]
        begun.append(subprocess.Popen(line, env=environment, **pipes | options))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def starts(tmp_path):
    """``starts()`` counts the processes that were started, by run."""

    def count():
        told = {
            path.parent.parent.name: len(path.read_text().split())
            for path in (tmp_path / "runs").rglob("starts.txt")
        }
        # A file that was made a moment ago tells nothing yet.
        return {run: number for run, number in told.items() if number}

    return count


@pytest.fixture
def at_work(tmp_path):
    """``at_work()`` lists the runs that somebody holds."""

    def held():
        claims = Claims(tmp_path / "runs" / "claims")
        names = {file.name.rsplit(".", 2)[0] for file in claims.folder.glob("*.claim")}
        return [name for name in names if claims.holder(name)]

    return held


@pytest.fixture
def wait_for():
    """``wait_for(condition)`` returns when it holds."""

    def wait(condition):
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.05)

    return wait


@pytest.fixture
def keep(repository, tmp_path):
    """``keep(system, fold=, skill=...)`` keeps a made-up run among results; returns its place.

    ``fold`` may be a list, which makes a run over all folds; ``packed=False`` keeps no predictions.
    """
    from ser_lib.evaluation.calibration import calibration
    from ser_lib.evaluation.folds import aggregate
    from ser_lib.evaluation.scorecard import scorecard
    from ser_lib.sweep.keep import pack

    spec = importlib.util.spec_from_file_location(
        "made_up_runs", repository / "tests" / "evaluation" / "conftest.py"
    )
    made_up = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made_up)

    def add(
        system="mfcc_cnn",
        protocol="ravdess-si6",
        fold=1,
        skill=0.6,
        seed=1986,
        more="",
        variant="",
        packed=True,
        corpus="RAVDESS",
        **facts,
    ):
        folds, metrics, frames = lookup(protocol).folds, [], []
        for number in fold if isinstance(fold, list) else [fold]:
            frame = made_up.make_predictions(
                skill=skill,
                seed=7 * seed + number,
                fold=number,
                first=4 * number,
                corpus=corpus,
            )
            told = {
                "system": system,
                "corpus": corpus,
                "protocol": protocol,
                "fold": number,
                "folds": folds,
                "seed": seed,
                "ledger_sha256": f"{protocol}-{number}".encode().hex() * 3,
                "command": f"python recipes/{corpus}/train.py hparams/{system}.yaml --protocol "
                f"{protocol} --fold {number}{more}",
                "epochs_run": 100,
                "epochs_asked": 100,
            }
            run = made_up.make_run(frame, **told | facts)
            card = scorecard(frame, made_up.CLASSES)
            card["calibration"] = calibration(frame, made_up.CLASSES, None)
            metrics.append({"run": run, **card})
            frames.append(frame)
        whole = metrics[0]
        if isinstance(fold, list):
            whole = aggregate(metrics, frames, made_up.CLASSES)
        parts = [corpus, protocol, system, "all" if isinstance(fold, list) else f"fold-{fold}"]
        parts += [variant] if variant else []
        parts += [f"seed-{seed}"] if seed != 1986 else []
        place = tmp_path.joinpath("results", *parts)
        place.mkdir(parents=True, exist_ok=True)
        (place / "metrics.json").write_text(to_json(whole))
        if packed:
            table = pd.concat(frames).to_csv(index=False, lineterminator="\n")
            (place / "predictions.csv.gz").write_bytes(pack(table.encode()))
        return place

    return add


@pytest.fixture
def published(tmp_path):
    """``published(*entries)`` writes the file of published numbers, beside the results."""

    def write(*entries):
        usual = {
            "system": "mfcc_cnn",
            "yaml": "mfcc_cnn.yaml",
            "parameters": 55656,
            "corpus": "RAVDESS",
            "value": 90,
            "metric": "wa",
            "rule": "a random tenth of the clips",
            "clips": 144,
            "ours": "ravdess-random",
            "differs": None,
            "source": "https://example.org/paper",
        }
        path = tmp_path / "results" / "published.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([usual | entry for entry in entries]))
        return path

    return write

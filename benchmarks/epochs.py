"""One epoch of every neural system as a whole command, from files to the report."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import speech
from benchmarks.rows import Row, timed

_ROOT = Path(__file__).resolve().parent.parent
#: From the cheapest to the dearest.
SYSTEMS = (
    *("mfcc_mlp", "mfcc_cnn", "separable_cnn", "issa_ravdess", "acoustic_dnn", "acoustic_lstm"),
    *("parallel_cnn_bilstm_attention", "cnn_transformer", "stacked_cnn_lstm"),
    *("stacked_cnn_bilstm_attention", "picture_cnn", "resnet18", "resnet34"),
)


def rows(options):
    """A row a system; also the peak memory of our command."""
    folder, synthetic = speech.folder(options)
    what = "synthetic sample" if synthetic else "RAVDESS"
    chosen = options.systems or (SYSTEMS[:2] if options.quick else SYSTEMS)
    # Hashing the corpus is done once in its life, by whichever command is the first.
    _ours("decision_tree", folder)
    made = []
    for system in chosen:
        theirs, _ = _run([sys.executable, "-m", "benchmarks.source_epoch", system], folder)
        ours, peak = _ours(system, folder)
        against = "librosa into an array, eager PyTorch"
        note = f"peak memory {peak:.1f} GiB"
        name = f"one epoch, whole command, {system}, {what}"
        made.append(Row(name, against, ours, theirs, ("share", 0.5), note))
        print(made[-1].cells, file=sys.stderr, flush=True)
    return made


def _ours(system, folder):
    with tempfile.TemporaryDirectory() as out:
        words = ["recipes/RAVDESS/train.py", f"hparams/{system}.yaml", "--number_of_epochs", "1"]
        return _run([sys.executable, *words, "--output_folder", f"{out}/run"], folder)


def _run(command, folder):
    """Wall time (s) and peak memory (GiB) of a command."""
    measured = [*command, "--data_folder", str(folder)]
    if time := shutil.which("time"):
        measured = [time, "-f", "%M KiB", *measured]
    said = {}

    def job():
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        done = subprocess.run(measured, cwd=_ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        said["peak"] = done.stderr.rsplit("\n", 2)[-2] if time else ""

    took = timed(job)
    return took, float(said["peak"].split()[0]) / 2**20 if said["peak"] else float("nan")

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
    """A row a system, with the peak memory of our command.

    A system that misses its target is run once more in bfloat16, as ``--mixed_precision bf16``
    does it on any machine that has it.
    """
    folder, synthetic = speech.folder(options)
    what = "synthetic sample" if synthetic else "RAVDESS"
    chosen = options.systems or (SYSTEMS[:2] if options.quick else SYSTEMS)
    made = []
    with tempfile.TemporaryDirectory() as cache:
        # Hashing the corpus is done once in its life, by whichever command is the first.
        train("decision_tree", folder, cache)
        for system in chosen:
            command = [sys.executable, "-m", "benchmarks.source_epoch", system]
            theirs, _ = _run(command, folder, cache)
            name = f"one epoch, whole command, {system}, {what}"
            for words, told in (((), ""), (("--mixed_precision", "bf16"), ", bfloat16")):
                ours, peak = train(system, folder, cache, *words)
                note = f"peak memory {peak:.1f} GiB"
                against = "librosa into an array, eager PyTorch"
                made.append(Row(name + told, against, ours, theirs, ("share", 0.5), note))
                print(made[-1].cells, file=sys.stderr, flush=True)
                if made[-1].met:
                    break
    return made


def train(system, folder, cache, *words, keep_features=False):
    """Wall time (s) and peak memory (GiB) of one epoch of our whole command."""
    if not keep_features:  # those that another run has left would be a present
        shutil.rmtree(Path(cache, "features"), ignore_errors=True)
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "recipes/RAVDESS/train.py", f"hparams/{system}.yaml"]
        command += ["--number_of_epochs", "1", "--output_folder", f"{out}/run", *words]
        return _run(command, folder, cache)


def _run(command, folder, cache):
    """Wall time (s) of a command, and its own peak memory without that of its workers (GiB)."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "SER_CACHE": cache}
    words, found = [*command, "--data_folder", str(folder)], {}

    def job():
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(words, cwd=_ROOT, env=environment, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                told = said.read().decode(errors="replace")[-2000:]
                raise SystemExit(f"{' '.join(command)} failed:\n{told}")
            found["peak"] = usage.ru_maxrss / 2**20

    return timed(job), found["peak"]

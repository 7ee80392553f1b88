"""What a store of embeddings saves: epochs of a frozen encoder with it and without.

    python -m benchmarks embeddings --data_folder RAVDESS

It trains the head on a small encoder with random weights, made on the spot, so that decoding and
the rest weigh as much as they can against the store; a real encoder of a hundred million weights
gains far more. Both runs are whole commands, one after the other.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import speech
from benchmarks.rows import Row

ROOT = Path(__file__).resolve().parent.parent
_SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": [32] * 7,
}


def rows(options):
    """A row: epochs after the first, with the store and without."""
    corpus, synthetic = speech.folder(options)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        _write_encoder(folder / "encoder")
        slow, fast = (
            _run(folder, name, corpus, 2 if options.quick else 5, cached)
            for name, cached in (("without", "false"), ("with", "true"))
        )
    return [
        Row(
            "epochs after the first of a frozen encoder and its head, "
            + ("synthetic sample" if synthetic else "RAVDESS"),
            "the encoder run in every epoch",
            statistics.median(fast[1:]),
            statistics.median(slow[1:]),
            ("share", 0.1),
            f"first epochs {fast[0]:.1f} s and {slow[0]:.1f} s; encoding once is ahead of them",
        )
    ]


def _write_encoder(folder):
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    Wav2Vec2Model(Wav2Vec2Config(**_SIZES)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)


def _run(folder, name, corpus, epochs, cached):
    """Seconds of each epoch (list of float)."""
    output = folder / name
    command = [sys.executable, "recipes/RAVDESS/train.py", "hparams/pretrained/frozen_encoder.yaml"]
    command += ["--encoder", str(folder / "encoder"), "--cache_features", cached]
    command += ["--number_of_epochs", str(epochs), "--output_folder", str(output)]
    command += ["--data_folder", str(corpus), "--allow_partial"]
    environment = {**os.environ, "SER_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(done.returncode)
    return [json.loads(line)["seconds"] for line in (output / "history.jsonl").open()]

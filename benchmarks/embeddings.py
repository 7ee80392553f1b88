"""What a store of embeddings saves: epochs of a frozen encoder with it and without.

    python -m benchmarks.embeddings --data_folder RAVDESS

trains the head on a small encoder with random weights, made on the spot, so that decoding and the
rest weigh as much as they can against the store; a real encoder of a hundred million weights gains
far more. Both runs are whole commands, one after the other.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": [32] * 7,
}


def main(argv=None):
    """Run both and print their epochs; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embeddings", description=__doc__)
    parser.add_argument("--data_folder", required=True, help="RAVDESS, or sample")
    parser.add_argument("--epochs", type=int, default=5, help="of each run (default: 5)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        _write_encoder(folder / "encoder")
        rows = {
            name: _run(folder, name, options, cached)
            for name, cached in (("without a store", "false"), ("with a store", "true"))
        }
    print("| frozen encoder, head trained on RAVDESS | first epoch, s | later epochs, s (median) |")
    print("| :-- | --: | --: |")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds[0]:.2f} | {statistics.median(seconds[1:]):.2f} |")
    slow, fast = (statistics.median(seconds[1:]) for seconds in rows.values())
    print(f"\nAn epoch with the store costs {fast / slow:.3f} of one without.")
    return 0


def _write_encoder(folder):
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    Wav2Vec2Model(Wav2Vec2Config(**_SIZES)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)


def _run(folder, name, options, cached):
    """Seconds of each epoch (list of float)."""
    output = folder / name.replace(" ", "-")
    command = [sys.executable, "recipes/RAVDESS/train.py", "hparams/pretrained/frozen_encoder.yaml"]
    command += ["--encoder", str(folder / "encoder"), "--cache_features", cached]
    command += ["--number_of_epochs", str(options.epochs), "--output_folder", str(output)]
    command += ["--data_folder", options.data_folder, "--allow_partial"]
    environment = {**os.environ, "SER_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    print(*(line for line in done.stdout.splitlines() if line.startswith("encoded")), sep="\n")
    return [json.loads(line)["seconds"] for line in (output / "history.jsonl").open()]


if __name__ == "__main__":
    sys.exit(main())

"""Made-up predictions and runs for the tests of the evaluation room; nobody spoke these clips."""

import numpy as np
import pandas as pd
import pytest

CLASSES = ["neutral", "happy", "sad", "angry"]


def make_predictions(
    speakers=4, clips=12, classes=CLASSES, skill=0.6, seed=0, fold=1, corpus="RAVDESS", first=1
):
    rng = np.random.default_rng(seed)
    rows = []
    for s in range(first, first + speakers):
        for c in range(clips):
            true = c % len(classes)
            shares = rng.dirichlet(np.ones(len(classes)))
            if rng.random() < skill:
                top = int(shares.argmax())
                shares[[true, top]] = shares[[top, true]]
            guess = classes[int(shares.argmax())]
            rows.append(
                {
                    "id": f"{s:02d}-{c:03d}",
                    "speaker": f"{s:02d}",
                    "gender": "female" if s % 2 == 0 else "male",
                    "intensity": "strong" if true and c % 8 >= 4 else "normal",
                    "statement": str(c % 2 + 1),
                    "corpus": corpus,
                    "fold": fold,
                    "emotion": classes[true],
                    "predicted": guess,
                    "correct": guess == classes[true],
                    **{f"p_{name}": p for name, p in zip(classes, shares, strict=True)},
                }
            )
    return pd.DataFrame(rows)


def make_encoder(**changes):
    return {
        "encoder": "facebook/hubert-base-ls960@abc123",
        "corpora": ["LibriSpeech"],
        "source": "https://arxiv.org/abs/2106.07447",
        "shared": [],
        **changes,
    }


def nothing_shared():
    kinds = ("speakers", "statements", "clips", "identical_audio", "siblings")
    pairs = ("train-test", "train-validation", "validation-test")
    return {pair: {kind: [] for kind in kinds} for pair in pairs}


def make_run(frame, **changes):
    run = {
        "system": "cnn_transformer",
        "system_title": "Parallel CNN-Transformer",
        "system_source": "https://example.org/paper",
        "corpus": "RAVDESS",
        "synthetic": False,
        "classes": CLASSES,
        "protocol": "ravdess-si6",
        "protocol_description": "Six speaker-disjoint folds.",
        "fold": 1,
        "folds": 6,
        "seed": 3,
        "ledger_sha256": "ab12" * 16,
        "shared": nothing_shared(),
        "sizes": {"train": 960, "validation": 240, "test": len(frame)},
        "parameters": 254_464,
        "epochs_run": 3,
        "epochs_asked": 3,
        "best_epoch": 2,
        "stopped_early": False,
        "train_seconds": 1234.5,
        "hardware": "2 CPU cores",
        "versions": {"torch": "2.11.0", "ser-lib": "0.1.0"},
        "command": "python train.py hparams/cnn_transformer.yaml",
        "model_folder": "results/model",
        "date": "2025-01-31",
    }
    return run | changes


def make_history(epochs=3):
    return [
        {
            "epoch": e,
            "train_loss": 2.0 / e,
            "validation_loss": 2.2 / e,
            "validation_ua": 0.2 * e,
            "validation_wa": 0.2 * e,
            "learning_rate": 1e-3,
            "seconds": 10.0,
        }
        for e in range(1, epochs + 1)
    ]


@pytest.fixture
def predictions():
    """Builds a table of predictions: speakers, clips a speaker, classes, skill, seed, fold..."""
    return make_predictions


@pytest.fixture
def run_facts():
    """Builds the facts of a run whose test side is the given table."""
    return make_run


@pytest.fixture
def encoder():
    """Builds what a run says of a pretrained encoder."""
    return make_encoder


@pytest.fixture
def history():
    return make_history()


@pytest.fixture
def classes():
    return list(CLASSES)

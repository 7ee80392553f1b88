"""Recipes from the word ``sample`` to a report, as the README has it, for corpora of all kinds."""

import json
import runpy
import sys
import zlib

import numpy as np
import pytest

from ser_lib.corpora import iemocap_sample, synthetic
from ser_lib.protocols import Ledger


@pytest.fixture
def hums(monkeypatch, tmp_path):
    """Short tones in noise instead of voices, whose computing takes ten seconds a corpus."""

    def hum(emotion, speaker=1, intensity="normal", statement="1", seconds=None, take=1):
        name = f"{emotion} {speaker} {intensity} {statement} {take}"
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        time = np.arange(round(48_000 * (seconds or 0.6))) / 48_000
        tone = np.sin(2 * np.pi * (150 + 40 * len(emotion) + 3 * (speaker % 100)) * time)
        return (0.2 * tone + 0.01 * rng.normal(size=len(time))).astype(np.float32), 48_000

    monkeypatch.setattr(synthetic, "voice", hum)
    monkeypatch.setattr(iemocap_sample, "voice", hum)
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("folder", "corpora", "protocol", "sizes"),
    [
        ("RAVDESS", ["RAVDESS"], "ravdess-si6", (120, 30, 30)),
        ("EMO-DB", ["EMO-DB"], "emodb-loso10", (98, 28, 14)),
        ("IEMOCAP", ["IEMOCAP"], "iemocap-s5", (48, 16, 16)),
        ("Merged", ["CREMA-D", "RAVDESS", "SAVEE", "TESS"], "merged-si", (94, 35, 35)),
    ],
)
def test_a_recipe_trains_from_the_word_sample(
    hums, repository, small_yaml, tmp_path, monkeypatch, folder, corpora, protocol, sizes
):
    script, run = repository / "recipes" / folder / "train.py", tmp_path / "run"
    line = [script, small_yaml, "--data_folder", "sample", "--number_of_epochs", "1"]
    monkeypatch.setattr(sys, "argv", [*map(str, line), "--output_folder", str(run)])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(script), run_name="__main__")
    assert left.value.code == 0
    told = json.loads((run / "metrics.json").read_text())["run"]
    assert (told["corpus"], told["synthetic"]) == (f"{folder}-synthetic", True)
    assert told["corpora"] == [f"{name}-synthetic" for name in corpora]
    assert (told["protocol"], told["epochs_run"]) == (protocol, 1)
    assert told["sizes"] == dict(zip(("train", "validation", "test"), sizes, strict=True))
    ledger = Ledger.load(run / "ledger.json")
    assert tuple(map(len, (ledger.train, ledger.validation, ledger.test))) == sizes
    assert (ledger.protocol, ledger.breaches()) == (protocol, [])
    assert (run / "model" / "model.safetensors").is_file()
    assert "synthetic" in (run / "report.md").read_text().lower()

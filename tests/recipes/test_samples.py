"""Recipes from the word ``sample`` to a report, as the README has it, for corpora of all kinds."""

import json
import runpy
import sys
import zlib
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch

from ser_lib.corpora import iemocap_sample, merged, synthetic
from ser_lib.data.clips import collate
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.hub.modeling import SERForAudioClassification
from ser_lib.protocols import Ledger
from ser_lib.training import trainer


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where hums stand for voices: apart from the other tests', and written once a corpus."""
    return tmp_path_factory.mktemp("hums")


@pytest.fixture
def hums(monkeypatch, cache):
    """Short tones in noise instead of voices, whose computing takes ten seconds a corpus."""

    def hum(emotion, speaker=1, intensity="normal", statement="1", seconds=None, take=1):
        name = f"{emotion} {speaker} {intensity} {statement} {take}"
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        time = np.arange(round(48_000 * (seconds or 0.6))) / 48_000
        tone = np.sin(2 * np.pi * (150 + 40 * len(emotion) + 3 * (speaker % 100)) * time)
        return (0.2 * tone + 0.01 * rng.normal(size=len(time))).astype(np.float32), 48_000

    monkeypatch.setattr(synthetic, "voice", hum)
    monkeypatch.setattr(iemocap_sample, "voice", hum)
    monkeypatch.setenv("SER_CACHE", str(cache))


@pytest.fixture
def start(hums, repository, monkeypatch):
    """``start(folder, yaml, run, *more)`` runs a recipe's script as the command line would."""

    def run(folder, yaml, output, *more):
        script = repository / "recipes" / folder / "train.py"
        line = [script, yaml, "--data_folder", "sample", "--output_folder", output, *more]
        monkeypatch.setattr(sys, "argv", [*map(str, line)])
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(script), run_name="__main__")
        assert left.value.code == 0

    return run


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
    start, small_yaml, tmp_path, folder, corpora, protocol, sizes
):
    run = tmp_path / "run"
    start(folder, small_yaml, run, "--number_of_epochs", "1")
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


def test_balanced_corpora_are_drawn_as_often(start, small_yaml, tmp_path, monkeypatch):
    drawn = []

    def spy(items):
        drawn.extend(item["id"].partition("#")[0] for item in items)
        return collate(items)

    monkeypatch.setattr(trainer, "clip_loader", partial(trainer.clip_loader, collate_fn=spy))
    options = ["--number_of_epochs", "3", "--balance_corpora", "true"]
    start("Merged", small_yaml, tmp_path, *options)
    ledger = Ledger.load(tmp_path / "ledger.json")
    train = set(ledger.train)
    drawn = Counter(ledger.clips[clip].corpus for clip in drawn if clip in train)
    there = Counter(ledger.clips[clip].corpus for clip in train)
    # Four standard deviations of so many draws, and less than the corpora are apart.
    near = 0.075
    assert not all(abs(clips / there.total() - 1 / 4) < near for clips in there.values())
    for corpus in there:
        assert drawn[corpus] / drawn.total() == pytest.approx(1 / 4, abs=near)


FOLD_1 = (1, 4, 6, 9, 15, 24)
BOOSTED = "xgboost.XGBClassifier\n    n_estimators: 3"


@pytest.mark.parametrize("system", ["small_tree", "small_stack", "boosted"])
def test_estimators_give_a_class_that_nothing_trains_no_probability(
    start, small_yaml, tmp_path, system
):
    for path in small_yaml.parent.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    text = small_yaml.with_name("small_tree.yaml").read_text()
    boosted = text.replace("sklearn.tree.DecisionTreeClassifier", BOOSTED)
    (tmp_path / "boosted.yaml").write_text(boosted.replace("[2, 8]", "[2]"))
    run = tmp_path / "run"
    start("Merged", tmp_path / f"{system}.yaml", run, "--protocol", "merged-loco")
    ledger = Ledger.load(run / "ledger.json")
    assert set(ledger.counts["test"]["speakers"]) == {f"RAVDESS:{n:02d}" for n in FOLD_1}
    assert "calm" not in {ledger.clips[clip].emotion for clip in ledger.train}
    assert "no clip of calm" in "".join(path.read_text() for path in run.rglob("log.txt"))
    report = (run / "report.md").read_text()
    assert "a class that nothing trains" in report and "There was no clip of calm" in report
    table = read_predictions(run / "predictions.csv")
    assert "calm" in set(table["emotion"]) and table["p_calm"].max() == 0
    model = SERForAudioClassification.from_pretrained(run / "model").eval()
    with torch.no_grad():
        told = model(0.1 * torch.randn(3, 9600)).logits.softmax(dim=1)
    assert told.shape == (3, 8) and (told[:, merged.EMOTIONS.index("calm")] == 0).all()

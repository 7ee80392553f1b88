"""What a run trains on, from one cache of a corpus's features."""

import contextlib
import types

import numpy as np
import pytest
import torch

from ser_lib.corpora import ravdess
from ser_lib.data.noise import GaussianNoiseCopies
from ser_lib.features.log_mel import LogMel
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.protocols import split
from ser_lib.training import items
from ser_lib.training.settings import TrainingSettings

STRETCH = {"sample_rate": 16_000, "offset": 0.1, "seconds": 0.4}
CLASSES = list(ravdess.EMOTIONS)


@pytest.fixture
def manifest(small_ravdess, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))
    return ravdess.prepare(small_ravdess, allow_partial=True, progress=False)


def network_with(n_mels=32):
    front_end = LogMel(**STRETCH, n_fft=512, win_length=400, n_mels=n_mels)
    return WaveformClassifier(front_end, None, torch.nn.Identity())


def sides(manifest, folder, protocol="ravdess-si6", copies=1):
    network = network_with()
    accelerator = types.SimpleNamespace(main_process_first=contextlib.nullcontext)
    noise = GaussianNoiseCopies(copies=copies, **STRETCH) if copies else None
    ledger = split(manifest, protocol)
    settings = TrainingSettings(num_workers=0)
    arguments = (manifest, ledger, CLASSES, noise, settings, folder, accelerator)
    return ledger, items.training_items(network, *arguments)


def test_sides_are_those_of_the_ledger(manifest, tmp_path):
    ledger, (train, validation) = sides(manifest, tmp_path / "run")
    wanted = [name for clip in ledger.train for name in (clip, f"{clip}#1")]
    assert [item["id"] for item in train.items] == wanted == [item["id"] for item in train]
    assert [item["id"] for item in validation] == list(ledger.validation)
    for item in (*train, *validation):
        emotion = ledger.clips[item["id"].partition("#")[0]].emotion
        assert CLASSES[item["label"]] == emotion
    # A copy is noisier than its clip.
    assert not torch.equal(train[0]["features"], train[1]["features"])


def test_folds_share_what_is_small(manifest, tmp_path, monkeypatch):
    _, (first, _) = sides(manifest, tmp_path / "one")
    monkeypatch.setattr(
        "ser_lib.training.feature_cache._write", lambda *_: pytest.fail("computed again")
    )
    _, (second, _) = sides(manifest, tmp_path / "two", protocol="ravdess-random")
    common = {item["id"]: item["features"] for item in first}
    shared = [item for item in second if item["id"] in common]
    assert shared
    for item in shared:
        torch.testing.assert_close(item["features"], common[item["id"]], atol=0, rtol=0)
    assert not (tmp_path / "one").exists()


def test_what_is_large_stays_in_the_run_folder(manifest, tmp_path, monkeypatch):
    _, (small, _) = sides(manifest, tmp_path / "run")
    monkeypatch.setattr(items, "_SMALL", 1000)
    _, (large, _) = sides(manifest, tmp_path / "run")
    assert len(list((tmp_path / "run").iterdir())) == 2
    assert [item["id"] for item in large] == [item["id"] for item in small]
    np.testing.assert_array_equal(large[3]["features"], small[3]["features"])


def test_a_cache_that_cannot_be_written_is_done_without(manifest, tmp_path, monkeypatch, caplog):
    (tmp_path / "cache" / "features").parent.mkdir(exist_ok=True)
    (tmp_path / "cache" / "features").write_text("in the way")
    _, (train, _) = sides(manifest, tmp_path / "run")
    assert len(train[0]["features"])
    assert "run folder only" in caplog.text


def test_a_model_is_scored_on_what_a_run_has_left(manifest, tmp_path):
    ids = list(manifest["id"])[5:2:-1]
    assert items.shared_features(network_with(), manifest, ids) is None
    _, (train, validation) = sides(manifest, tmp_path / "run", copies=0)
    computed = {item["id"]: item["features"] for side in (train, validation) for item in side}
    found = items.shared_features(network_with(), manifest, ids)
    assert [item["id"] for item in found] == ids
    for item in found:
        if item["id"] in computed:
            torch.testing.assert_close(item["features"], computed[item["id"]], atol=0, rtol=0)
    # Another front end has nothing there, nor has a network of several.
    assert items.shared_features(network_with(n_mels=40), manifest, ids) is None
    assert items.shared_features(torch.nn.Identity(), manifest, ids) is None


def test_damaged_features_are_not_scored_on(manifest, tmp_path):
    sides(manifest, tmp_path / "run", copies=0)
    (index,) = (tmp_path / "cache").glob("features/*/items.json")
    index.write_text("[")
    assert items.shared_features(network_with(), manifest, list(manifest["id"])) is None

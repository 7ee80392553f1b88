"""Features read from the cache against features computed."""

import errno
import os

import numpy as np
import pytest
import torch

from ser_lib.corpora import ravdess
from ser_lib.data.clips import clip_dataset, collate
from ser_lib.data.noise import GaussianNoiseCopies
from ser_lib.features.log_mel import LogMel
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.training import feature_cache
from ser_lib.training.feature_cache import cache_features, cache_key

FRONT_END = {"sample_rate": 16_000, "offset": 0.1, "seconds": 0.4, "n_fft": 512, "win_length": 400}


@pytest.fixture(scope="module")
def network():
    return WaveformClassifier(LogMel(**FRONT_END, n_mels=32), None, torch.nn.Identity())


@pytest.fixture(scope="module")
def dataset(small_ravdess):
    manifest = ravdess.prepare(small_ravdess, allow_partial=True, progress=False)
    augmentation = GaussianNoiseCopies(copies=1, sample_rate=16_000, offset=0.1, seconds=0.4)
    return clip_dataset(manifest, manifest["id"][:7], list(ravdess.EMOTIONS), 16_000, augmentation)


def test_equals_features_computed_on_the_spot(dataset, network, tmp_path):
    cached = cache_features(dataset, network, tmp_path / "c", batch_size=4)
    assert len(cached) == len(dataset) == 14
    for item, kept in zip(dataset, cached, strict=True):
        batch = collate([item])
        features, _ = network.features(batch["inputs"], batch["lengths"])
        torch.testing.assert_close(kept["features"], features[0], atol=0, rtol=0)
        assert (kept["id"], kept["label"]) == (item["id"], item["label"])


def test_is_computed_once(dataset, network, tmp_path):
    cache_features(dataset, network, tmp_path / "c")
    before = (tmp_path / "c" / "features.f32").stat().st_mtime_ns
    cache_features(dataset, network, tmp_path / "c")
    assert (tmp_path / "c" / "features.f32").stat().st_mtime_ns == before


def test_one_that_was_not_finished_is_not_used(dataset, network, tmp_path):
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "features.f32").write_bytes(b"half")
    cached = cache_features(dataset, network, folder)
    assert torch.isfinite(cached[13]["features"]).all()


def test_one_that_was_cut_off_since_is_made_again(dataset, network, tmp_path):
    whole = cache_features(dataset, network, tmp_path / "c").values.tobytes()
    path = tmp_path / "c" / "features.f32"
    path.write_bytes(whole[:-4])
    assert cache_features(dataset, network, tmp_path / "c").values.tobytes() == whole
    assert path.read_bytes() == whole


def test_a_full_disk_is_left_as_it_was(dataset, network, tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        cache_features(dataset, network, tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_key_follows_front_end_and_facts(network):
    key = cache_key(network, ["a"])
    other = WaveformClassifier(LogMel(**FRONT_END, n_mels=33), None, torch.nn.Identity())
    changed = WaveformClassifier(LogMel(**FRONT_END, n_mels=32), None, torch.nn.Identity())
    changed.front_end.filters *= 2
    assert key == cache_key(network, ["a"])
    assert (
        len({key, cache_key(network, ["b"]), cache_key(other, ["a"]), cache_key(changed, ["a"])})
        == 4
    )


def test_other_code_does_not_find_the_cache(network, monkeypatch, tmp_path):
    key = cache_key(network, ["a"])
    edited = tmp_path / "ser_lib"
    (edited / "features").mkdir(parents=True)
    (edited / "features" / "mfcc.py").write_text("edited = True\n")
    monkeypatch.setattr(feature_cache.ser_lib, "__file__", str(edited / "__init__.py"))
    feature_cache._code_version.cache_clear()
    try:
        assert cache_key(network, ["a"]) != key
    finally:
        feature_cache._code_version.cache_clear()


def test_processes_analyse_as_one_does(dataset, network, tmp_path):
    alone = cache_features(dataset, network, tmp_path / "alone")
    several = cache_features(dataset, network, tmp_path / "several", num_workers=2)
    assert alone.items == several.items
    np.testing.assert_array_equal(alone.values, several.values)

"""Stores of embeddings: computed once, found again, never mixed up."""

import logging
import threading
import time

import pytest
import torch

from ser_lib.corpora import ravdess
from ser_lib.data.clips import clip_dataset, collate
from ser_lib.errors import AudioError
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.pretrained.encoder import encoder_head, speech_encoder
from ser_lib.training import embeddings
from ser_lib.training.embeddings import Embeddings, is_worth_a_store, open_store, store_folder
from ser_lib.training.settings import TrainingSettings

SETTINGS = TrainingSettings(batch_size=8)


def network(folder, **options):
    front_end = speech_encoder(folder, **options)
    return WaveformClassifier(front_end, None, encoder_head(8, front_end)).eval()


@pytest.fixture
def manifest(small_ravdess):
    return ravdess.prepare(small_ravdess, allow_partial=True, progress=False)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("pooled", [True, False])
def test_what_is_kept_is_what_the_encoder_says(pooled, tiny_encoder, manifest):
    model = network(tiny_encoder("wav2vec2"), pooled=pooled)
    ids = sorted(manifest["id"])[10:40:7]
    kept = Embeddings(open_store(model, manifest, SETTINGS), ids, range(len(ids)))
    assert [item["id"] for item in kept.items] == ids
    fresh = clip_dataset(manifest, ids, None, 16_000)
    for index, clip in enumerate(fresh):
        item = kept[index]
        features, _ = model.features(clip["waveform"][None])
        torch.testing.assert_close(item["features"], features[0], atol=1e-5, rtol=1e-4)
        assert (item["id"], item["label"]) == (clip["id"], index)
    batch = collate(kept.__getitems__([2, 0]))
    assert batch["ids"] == [ids[2], ids[0]]
    assert batch["inputs"].shape[:3] == (2, 3, 32)


def test_a_store_is_computed_once(tiny_encoder, manifest, monkeypatch, caplog):
    model = network(tiny_encoder("wav2vec2"))
    assert open_store(model, manifest) is None
    with caplog.at_level(logging.INFO, logger="ser_lib"):
        first = open_store(model, manifest, SETTINGS)
    assert "encoded 96 clips" in caplog.text
    monkeypatch.setattr(embeddings, "_compute", lambda *a: pytest.fail("computed again"))
    again = open_store(network(tiny_encoder("wav2vec2")), manifest, SETTINGS)
    assert again["id"][:] == first["id"][:]
    assert sorted(again["id"][:]) == sorted(manifest["id"])


def test_of_two_runs_that_start_together_one_computes(tiny_encoder, manifest, monkeypatch):
    models = [network(tiny_encoder("wav2vec2")) for _ in range(2)]
    compute, computed, barrier = embeddings._compute, [], threading.Barrier(2)

    def slowly(*arguments):
        computed.append(True)
        time.sleep(0.3)
        compute(*arguments)

    def run(model):
        barrier.wait()
        stores.append(open_store(model, manifest, SETTINGS)["values"][:])

    monkeypatch.setattr(embeddings, "_compute", slowly)
    stores, runs = [], [threading.Thread(target=run, args=(model,)) for model in models]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert len(computed) == 1
    assert len(stores) == 2 and stores[0] == stores[1]


def test_an_interrupted_store_goes_on_where_it_stopped(tiny_encoder, manifest, monkeypatch):
    model = network(tiny_encoder("wav2vec2"))
    whole = open_store(model, manifest, SETTINGS)["values"][:]
    folder = store_folder(model, manifest)
    parts = sorted(folder.glob("*.arrow"))
    assert len(parts) == 2
    kept = parts[0].stat().st_mtime_ns
    parts[1].rename(parts[1].with_suffix(".part"))
    again = open_store(model, manifest, SETTINGS)
    assert parts[0].stat().st_mtime_ns == kept
    assert again["values"][:] == whole


def test_other_weights_clips_or_layers_are_another_store(tiny_encoder, manifest):
    model = network(tiny_encoder("wav2vec2"))
    folders = {store_folder(model, manifest), store_folder(model, manifest.select(range(90)))}
    folders.add(store_folder(network(tiny_encoder("wav2vec2"), layers="last"), manifest))
    folders.add(store_folder(network(tiny_encoder("hubert")), manifest))
    with torch.no_grad():
        next(model.front_end.parameters()).add_(1e-6)
    folders.add(store_folder(model, manifest))
    assert len(folders) == 5


def test_only_what_is_costly_and_never_changes_is_worth_one(tiny_encoder):
    assert is_worth_a_store(network(tiny_encoder("wav2vec2")))
    assert not is_worth_a_store(network(tiny_encoder("wav2vec2")), augmentation=object())
    assert not is_worth_a_store(network(tiny_encoder("wav2vec2"), train_layers=1))
    assert not is_worth_a_store(torch.nn.Linear(1, 1))


def test_a_clip_that_cannot_be_read_is_named(tiny_encoder, manifest, tmp_path):
    lost = manifest.map(lambda row: {"path": str(tmp_path / "lost.wav")})
    with pytest.raises(AudioError, match=r"lost\.wav"):
        open_store(network(tiny_encoder("wav2vec2")), lost, SETTINGS)

"""Decoded clips with their copies, and padded batches."""

import pickle

import numpy as np
import pytest
import torch

from ser_lib.corpora import ravdess
from ser_lib.data.clips import clip_dataset, collate
from ser_lib.data.noise import GaussianNoiseCopies
from ser_lib.errors import AudioError


@pytest.fixture(scope="module")
def manifest(small_ravdess):
    return ravdess.prepare(small_ravdess, allow_partial=True, progress=False)


def test_items_in_the_order_asked_for(manifest):
    ids = [manifest[5]["id"], manifest[0]["id"]]
    dataset = clip_dataset(manifest, ids, list(ravdess.EMOTIONS), 16_000)
    assert [item["id"] for item in dataset] == ids
    item = dataset[0]
    assert item["waveform"].shape == (9600,)
    assert ravdess.EMOTIONS[item["label"]] == manifest[5]["emotion"]


def test_copies_follow_their_clip_with_its_own_label(manifest):
    ids = manifest["id"][:3]
    augmentation = GaussianNoiseCopies(copies=2, sample_rate=16_000, offset=0.1, seconds=0.4)
    dataset = clip_dataset(manifest, ids, list(ravdess.EMOTIONS), 16_000, augmentation)
    items = list(dataset)
    assert [item["id"] for item in items[:3]] == [ids[0], f"{ids[0]}#1", f"{ids[0]}#2"]
    for number, item in enumerate(items):
        assert ravdess.EMOTIONS[item["label"]] == manifest[number // 3]["emotion"]
    assert not torch.equal(items[0]["waveform"], items[1]["waveform"])


def test_resamples_to_the_rate_of_the_system(manifest):
    dataset = clip_dataset(manifest, manifest["id"][:1], list(ravdess.EMOTIONS), 8_000)
    assert dataset[0]["waveform"].shape == (4800,)


def test_a_clip_that_went_missing_is_named(manifest):
    gone = manifest.select([0]).map(lambda row: {"path": "/nowhere/gone.wav"})
    with pytest.raises(AudioError, match=r"gone\.wav"):
        clip_dataset(gone, gone["id"], list(ravdess.EMOTIONS), 16_000)[0]


def test_can_be_handed_to_a_worker_process(manifest):
    augmentation = GaussianNoiseCopies(copies=1, sample_rate=16_000, offset=0.1, seconds=0.4)
    dataset = clip_dataset(
        manifest, manifest["id"][:1], list(ravdess.EMOTIONS), 16_000, augmentation
    )
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[1]["waveform"], dataset[1]["waveform"])


def test_collate_pads_waveforms_at_the_end():
    items = [
        {"id": "a", "waveform": torch.ones(3), "label": 1},
        {"id": "b", "waveform": torch.ones(5), "label": 0},
    ]
    batch = collate(items)
    assert batch["inputs"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch["lengths"].tolist() == [3, 5]
    assert batch["labels"].tolist() == [1, 0]
    assert batch["ids"] == ["a", "b"]


def test_collate_pads_features_at_the_end():
    features = [torch.from_numpy(np.random.rand(4, frames)) for frames in (2, 6)]
    batch = collate([{"id": "", "features": f, "label": 0} for f in features])
    assert batch["inputs"].shape == (2, 4, 6)
    assert batch["lengths"].tolist() == [2, 6]
    torch.testing.assert_close(batch["inputs"][0, :, :2], features[0])
    assert not batch["inputs"][0, :, 2:].any()

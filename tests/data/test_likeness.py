"""The same recording is found again at another level, rate or encoding."""

import itertools

import numpy as np
import pytest
import soundfile
from datasets import Dataset

from ser_lib.audio import read_audio, resample
from ser_lib.corpora import ravdess, sample
from ser_lib.data import likeness
from ser_lib.data.likeness import near_identical, pictures


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Two voices, copies of the first, and silence."""
    folder = tmp_path_factory.mktemp("clips")
    first = sample.voice("angry", speaker=1)[0]
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(len(first)) * np.sqrt((first**2).mean())
    clips = {
        "a": (first, 48_000),
        "b": (sample.voice("angry", speaker=3)[0], 48_000),
        "a-take-2": (sample.voice("angry", speaker=1, take=2)[0], 48_000),
        "quiet": (0.2 * first, 48_000),
        "low-rate": (resample(first, 48_000, 16_000), 16_000),
        "noisy": (first + 0.5 * noise, 48_000),
        "silence": (np.zeros(16_000), 16_000),
    }
    rows = []
    for name, (samples, rate) in clips.items():
        path = folder / f"{name}.wav"
        soundfile.write(path, samples, rate, subtype="PCM_16")
        rows.append({"id": name, "path": str(path), "start": 0.0, "end": len(samples) / rate})
    return Dataset.from_list(rows)


def test_copies_are_found_and_other_takes_are_not(manifest):
    pairs = near_identical(manifest, manifest["id"], progress=False)
    copies = ("a", "low-rate", "quiet")
    assert {pair[:2] for pair in pairs} == set(itertools.combinations(copies, 2))
    pairs = near_identical(manifest, ["quiet", "b"], ["silence", "low-rate", "a"], progress=False)
    assert {pair[:2] for pair in pairs} == {("quiet", "a"), ("quiet", "low-rate")}
    assert all(0.99 <= pair[2] <= 1.0001 for pair in pairs)
    assert [pair[2] for pair in pairs] == sorted((pair[2] for pair in pairs), reverse=True)


def test_a_clip_is_no_copy_of_itself(manifest):
    assert near_identical(manifest, ["a", "b"], ["b", "a"], progress=False) == []
    assert near_identical(manifest, ["b", "a", "a"], progress=False) == []
    assert near_identical(manifest, [], progress=False) == []


def test_pairs_are_found_over_blocks_of_the_comparison(manifest, monkeypatch):
    whole = near_identical(manifest, manifest["id"], progress=False)
    monkeypatch.setattr(likeness, "_ROWS", 2)
    blocks = near_identical(manifest, manifest["id"], progress=False)
    assert {pair[:2] for pair in blocks} == {pair[:2] for pair in whole} and len(whole) == 3


def test_silence_is_like_nothing(manifest):
    assert pictures(manifest, ["silence"], progress=False).abs().sum() == 0


@pytest.mark.real
def test_on_real_clips_only_the_known_copy_is_found(real_ravdess):
    whole = ravdess.prepare(real_ravdess, progress=False)
    ids = [name for name in whole["id"] if name.endswith(("-07", "-13"))]
    pairs = near_identical(whole, ids, progress=False)
    assert [pair[:2] for pair in pairs] == [("03-01-03-01-02-01-07", "03-01-03-01-02-02-07")]
    path = whole[whole["id"].index(ids[0])]["path"]
    assert read_audio(path)[1] == 48_000

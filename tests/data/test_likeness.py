"""The same recording is found again at another level, rate or encoding."""

import numpy as np
import pytest
import soundfile
from datasets import Dataset

from ser_lib.audio import read_audio, resample
from ser_lib.corpora import ravdess, sample
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
    others = ["b", "a-take-2", "quiet", "low-rate", "noisy", "silence"]
    pairs = near_identical(manifest, ["a"], others, progress=False)
    assert {pair[1] for pair in pairs} == {"quiet", "low-rate"}
    assert all(0.99 <= pair[2] <= 1.0001 for pair in pairs)
    assert [pair[2] for pair in pairs] == sorted((pair[2] for pair in pairs), reverse=True)


def test_a_clip_is_no_copy_of_itself(manifest):
    assert near_identical(manifest, ["a", "b"], ["b", "a"], progress=False) == []


def test_silence_is_like_nothing(manifest):
    assert pictures(manifest, ["silence"], progress=False).abs().sum() == 0


@pytest.mark.real
def test_on_real_clips_only_the_known_copy_is_found(real_ravdess):
    whole = ravdess.prepare(real_ravdess, progress=False)
    ids = [name for name in whole["id"] if name.endswith(("-07", "-13"))]
    pairs = near_identical(whole, ids, ids, progress=False)
    assert {pair[:2] for pair in pairs} == {
        ("03-01-03-01-02-01-07", "03-01-03-01-02-02-07"),
        ("03-01-03-01-02-02-07", "03-01-03-01-02-01-07"),
    }
    path = whole[whole["id"].index(ids[0])]["path"]
    assert read_audio(path)[1] == 48_000

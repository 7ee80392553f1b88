"""Any length, level and batch: finite, the same alone, and what each front end says of level."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.registry import build

RATE = 16_000
SMALL = {"sample_rate": RATE, "n_fft": 512, "hop_length": 160}
FRONT_ENDS = {
    "log_mel": {**SMALL, "win_length": 400, "n_mels": 32, "offset": 0.1, "seconds": 0.5},
    "mfcc": {**SMALL, "n_mfcc": 13, "n_mels": 32, "offset": 0.1, "seconds": 0.5},
    "mel_image": {**SMALL, "n_mels": 32, "frames": 40},
    "mfcc_means": {**SMALL, "n_mfcc": 13, "with_centroid": True},
    "fbank": {"sample_rate": RATE, "n_mels": 32},
    "spectrogram_picture": {**SMALL, "n_mels": 32},
    "issa_features": {"sample_rate": 22_050},
    "acoustic_features": {"sample_rate": 22_050, "parts": 2},
}
SLOW = {"issa_features": 8, "acoustic_features": 8}
# Sums of many numbers, in dB of numbers that are as good as nothing, round otherwise in a batch.
NEAR = {"rtol": 1e-3, "atol": 2e-2}
lengths = st.lists(st.integers(1, 14_000), min_size=1, max_size=4)
levels = st.floats(1e-6, 1.0)


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported():
    """Hypothesis reads constants of the modules there are: none may come up in mid-test."""
    for name in FRONT_ENDS:
        features(name, clips([5000], 0.1, 0))
    systems()


@functools.cache
def front_end(name):
    return build({"name": name, **FRONT_ENDS[name]}).eval()


def clips(sizes, level, seed):
    """Speech-like noise: level wanders, a tone below it; list of float32 tensors."""
    generator = np.random.default_rng(seed)
    found = []
    for size in sizes:
        time = np.arange(size) / RATE
        noise = generator.standard_normal(size) * (0.6 + 0.4 * np.sin(9 * time))
        wave = 0.3 * np.sin(2 * np.pi * generator.integers(80, 400) * time) + 0.1 * noise
        found.append(torch.from_numpy((level * wave).astype(np.float32)))
    return found


def batch(found, behind=0.0):
    """Padded batch and lengths; ``behind`` is what stands in the padding."""
    sizes = torch.tensor([len(clip) for clip in found])
    padded = torch.full((len(found), int(sizes.max())), behind)
    for row, clip in zip(padded, found, strict=True):
        row[: len(clip)] = clip
    return padded, sizes


def features(name, found, behind=0.0):
    with torch.no_grad():
        return front_end(name)(*batch(found, behind))


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_finite_alone_as_in_a_batch_and_deaf_to_the_padding(name):
    @settings(max_examples=SLOW.get(name, 25))
    @given(lengths, levels, st.integers(0, 99))
    def check(sizes, level, seed):
        found = clips(sizes, level, seed)
        together, frames = features(name, found)
        assert torch.isfinite(together).all()
        noisy, _ = features(name, found, behind=0.7)
        for place, clip in enumerate(found):
            alone, own = features(name, [clip])
            assert frames[place] == own[0]
            kept = together[place][..., : alone.shape[-1]]
            torch.testing.assert_close(kept, alone[0], **NEAR)
            torch.testing.assert_close(noisy[place][..., : alone.shape[-1]], alone[0], **NEAR)

    check()


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1e-30, 30_000.0])
def test_a_constant_of_any_level_is_finite(name, value):
    for size in (1, 2, 401, 5000):
        assert torch.isfinite(features(name, [torch.full((size,), value)])[0]).all()


@given(st.integers(6_000, 12_000), st.floats(0.25, 4.0), st.integers(0, 99))
def test_level_as_documented(size, gain, seed):
    quiet = clips([size], 0.2, seed)
    loud = [gain * quiet[0]]
    step = 20 * np.log10(gain)

    def both(name):
        return features(name, quiet)[0], features(name, loud)[0]

    # Decibels below the clip's own maximum, or of mean zero: no level is left.
    for name in ("log_mel", "fbank"):
        torch.testing.assert_close(*both(name), rtol=0, atol=0.02)
    before, after = both("spectrogram_picture")
    assert (before - after).abs().mean() < 1e-3
    # Decibels relative to 1: level adds to every cell, and in a cosine transform to the first row.
    before, after = both("mel_image")
    width = 1 + size // SMALL["hop_length"]
    torch.testing.assert_close(before[..., :width] + step, after[..., :width], rtol=0, atol=0.02)
    for name, bands in (("mfcc", 32), ("mfcc_means", 128)):
        before, after = both(name)
        before[:, 0] += step * np.sqrt(bands)
        rows = slice(0, 13)
        torch.testing.assert_close(before[:, rows], after[:, rows], rtol=1e-3, atol=0.2)


@given(st.integers(1, 1_600), st.integers(9_700, 14_000), st.integers(0, 99))
def test_only_the_stretch_is_heard(before, size, seed):
    """What lies before 0.1 s, or behind 0.6 s, changes nothing."""
    clip = clips([size], 0.2, seed)[0]
    other = clip.clone()
    other[:before] = 0.9
    other[9_600:] = -0.9
    for name in ("log_mel", "mfcc"):
        assert torch.equal(features(name, [clip])[0], features(name, [other])[0])


@given(lengths, levels, st.integers(0, 99))
@settings(max_examples=8)
def test_a_small_system_answers_alone_as_in_a_batch(sizes, level, seed):
    for network in systems():
        found = clips(sizes, level, seed)
        with torch.no_grad():
            together = network(*batch(found)).softmax(dim=1)
            for place, clip in enumerate(found):
                alone = network(clip[None]).softmax(dim=1)[0]
                torch.testing.assert_close(together[place], alone, rtol=1e-3, atol=1e-4)
        assert torch.isfinite(together).all()


@functools.cache
def systems():
    torch.manual_seed(0)
    ends = {name: front_end(name) for name in ("log_mel", "mfcc_means", "fbank")}
    heads = {
        "log_mel": {"name": "cnn_transformer", "n_layers": 1, "n_heads": 2, "d_feedforward": 8}
        | {"channels": [4, 8], "pools": [2, 4]},
        "mfcc_means": {"name": "perceptron", "hidden": [8]},
        "fbank": {"name": "ecapa_tdnn", "channels": [16, 16, 16, 16, 48], "lin_neurons": 8}
        | {"attention_channels": 8, "se_channels": 8, "res2net_scale": 4},
    }
    return [
        WaveformClassifier(
            ends[name], None, build({"n_classes": 3, "shape": list(ends[name].shape), **head})
        ).eval()
        for name, head in heads.items()
    ]

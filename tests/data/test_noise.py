"""Noisy copies: their power, their seed, and what they leave alone."""

import numpy as np
import pytest

from ser_lib.data.noise import GaussianNoiseCopies


def make(**options):
    return GaussianNoiseCopies(sample_rate=8000, offset=0.1, seconds=1.0, **options)


@pytest.fixture
def waveform():
    return np.random.default_rng(1).normal(0, 0.1, 6000).astype(np.float32)


def test_copy_zero_is_the_clip(waveform):
    assert make()(waveform, "a", 0) is waveform


def test_noise_has_the_power_of_a_drawn_ratio(waveform):
    augmentation = make()
    ratios = set()
    for clip in "abcdefghijkl":
        noisy = augmentation(waveform, clip, 1)
        stretch = np.zeros(8000)
        stretch[:5200] = waveform[800:]
        noise = noisy[800:8800] - stretch
        ratio = 10 * np.log10(np.mean(stretch**2) / np.mean(noise**2))
        assert ratio == pytest.approx(round(ratio), abs=1e-3)
        ratios.add(round(ratio))
    assert ratios <= set(range(15, 30))
    assert len(ratios) > 3


def test_copies_of_a_clip_share_the_ratio_and_not_the_noise(waveform):
    first, second = (make()(waveform, "a", copy)[800:8800] for copy in (1, 2))
    clean = np.zeros(8000)
    clean[:5200] = waveform[800:]
    noises = first - clean, second - clean
    assert np.mean(noises[0] ** 2) == pytest.approx(np.mean(noises[1] ** 2), rel=1e-4)
    assert abs(np.corrcoef(*noises)[0, 1]) < 0.05


def test_noise_fills_the_padded_tail_and_only_the_analysed_stretch(waveform):
    noisy = make()(waveform, "a", 1)
    assert len(noisy) == 8800
    assert noisy[6000:].any()
    np.testing.assert_array_equal(noisy[:800], waveform[:800])


def test_the_same_clip_gets_the_same_noise_and_another_seed_another(waveform):
    np.testing.assert_array_equal(make()(waveform, "a", 1), make()(waveform, "a", 1))
    assert not np.array_equal(make()(waveform, "a", 1), make(seed=1)(waveform, "a", 1))


def test_silence_stays_silent():
    assert not make()(np.zeros(6000, dtype=np.float32), "a", 1).any()


def test_does_not_change_its_input(waveform):
    before = waveform.copy()
    make()(waveform, "a", 1)
    np.testing.assert_array_equal(waveform, before)

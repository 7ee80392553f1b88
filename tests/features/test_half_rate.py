"""Halving of the sample rate against librosa's resampler."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.half_rate import half_rate


def tone(cycles_a_sample, n=8192):
    return torch.sin(2 * torch.pi * cycles_a_sample * torch.arange(n, dtype=torch.float64)).float()


def test_equals_librosa_below_the_edge_of_the_band():
    samples = voice("calm", seconds=1.0)[0]
    expected = np.abs(librosa.stft(librosa.resample(samples, orig_sr=2, target_sr=1)))
    result = np.abs(librosa.stft(half_rate(torch.from_numpy(samples)).numpy()))
    flat = int(0.9 * 1025)
    assert np.abs(result - expected)[:flat].max() < 1e-5 * expected.max()


@pytest.mark.parametrize("frequency", [0.001, 0.1, 0.225])
def test_passes_what_the_new_rate_can_hold(frequency):
    result, expected = half_rate(tone(frequency)), tone(frequency)[::2]
    torch.testing.assert_close(result[300:-300], expected[300:-300], atol=1e-5, rtol=0)


@pytest.mark.parametrize("frequency", [0.26, 0.3, 0.45, 0.4999])
def test_stops_what_it_cannot_hold(frequency):
    assert half_rate(tone(frequency))[300:-300].abs().max() < 1e-5


@pytest.mark.parametrize("n", [1, 2, 63, 64, 127, 128, 129, 1000, 1001])
def test_halves_any_length(n):
    samples = torch.zeros(n)
    samples[0] = 1.0
    result = half_rate(samples)
    assert len(result) == (n + 1) // 2
    assert result.argmax() == 0


def test_silence_stays_exact_silence():
    samples = torch.zeros(8192)
    samples[:1000] = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    result = half_rate(samples)
    assert result[:500].abs().min() > 0
    assert result[1000:].eq(0).all()

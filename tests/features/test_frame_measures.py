"""Measures of frames against librosa, and on silence."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.frame_measures import bandwidth, centroid, crossing_rate, flatness, loudness

RATE, N_FFT, HOP = 48_000, 2048, 512
HERTZ = torch.linspace(0, RATE / 2, N_FFT // 2 + 1)


def clips():
    """Speech, and noise of awkward lengths: less than a hop, whole hops, less than a frame."""
    yield voice("happy", seconds=0.8)[0]
    rng = np.random.default_rng(0)
    for samples in (1, 2, 300, 511, 512, 513, 1024, 2047, 2048, 5120, 7001):
        noise = rng.normal(0, 0.1, samples).astype(np.float32)
        # Digital silence, and values too small to count as a crossing.
        noise[samples // 3 : samples // 2] = 0
        noise[samples // 2 : 2 * samples // 3] *= 1e-12
        yield noise


@pytest.mark.parametrize("clip", list(clips()), ids=len)
@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
def test_measures_equal_librosa(clip):
    magnitude = np.abs(librosa.stft(clip))
    spectrum, samples = torch.from_numpy(magnitude), torch.from_numpy(clip)
    pairs = [
        (centroid(spectrum, HERTZ), librosa.feature.spectral_centroid(S=magnitude, sr=RATE)),
        (bandwidth(spectrum, HERTZ), librosa.feature.spectral_bandwidth(S=magnitude, sr=RATE)),
        (flatness(spectrum.square()), librosa.feature.spectral_flatness(S=magnitude)),
        (loudness(samples, HOP), librosa.feature.rms(y=clip)),
        (crossing_rate(samples, HOP), librosa.feature.zero_crossing_rate(clip)),
    ]
    for ours, theirs in pairs:
        assert ours.shape == theirs[0].shape
        np.testing.assert_allclose(ours.numpy(), theirs[0], rtol=1e-5, atol=1e-9)


def test_a_tone():
    tone = torch.zeros(N_FFT // 2 + 1, 2)
    tone[100] = 3.0
    assert centroid(tone, HERTZ).tolist() == pytest.approx([100 * RATE / N_FFT] * 2)
    assert bandwidth(tone, HERTZ).tolist() == pytest.approx([0.0, 0.0], abs=1e-2)


def test_silence():
    silence = torch.zeros(N_FFT // 2 + 1, 3)
    assert not centroid(silence, HERTZ).any() and not bandwidth(silence, HERTZ).any()
    assert flatness(silence).tolist() == pytest.approx([1.0] * 3)
    assert not crossing_rate(torch.zeros(600), HOP).any() and not loudness(silence[:, 0], HOP).any()

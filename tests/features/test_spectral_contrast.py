"""Spectral contrast against librosa."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.spectral_contrast import contrast_bands, spectral_contrast


def close(magnitude, sample_rate, n_fft=2048, **settings):
    expected = librosa.feature.spectral_contrast(
        S=magnitude, sr=sample_rate, n_fft=n_fft, **settings
    )
    result = spectral_contrast(torch.from_numpy(magnitude), sample_rate, n_fft, **settings)
    return np.allclose(result.numpy(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("emotion", ["calm", "angry"])
def test_equals_librosa(emotion, sample_rate):
    assert close(np.abs(librosa.stft(voice(emotion, seconds=1.5)[0])), sample_rate)


@pytest.mark.parametrize(
    "settings",
    [{"fmin": 100.0}, {"n_bands": 3}, {"quantile": 0.3}, {"quantile": 0.9}, {"quantile": 1e-6}],
)
def test_equals_librosa_with_other_settings(settings):
    assert close(np.abs(librosa.stft(voice("happy", seconds=1.0)[0])), 22_050, **settings)


def test_equals_librosa_where_values_are_equal():
    """Frames of one value, of two and of none."""
    magnitude = np.ones((1025, 4), dtype=np.float32)
    magnitude[::2, 1] = 3
    magnitude[:, 2] = 0
    magnitude[7, 3] = 1e6
    assert close(magnitude, 22_050)


def test_silence_has_no_contrast():
    assert spectral_contrast(torch.zeros(1025, 3), 22_050, 2048).eq(0).all()


def test_bands_reach_from_the_bottom_to_the_top():
    bands = contrast_bands(22_050, 2048)
    assert len(bands) == 7
    assert bands[0][0] == 0 and bands[-1][1] == 1025
    assert [count for *_, count in bands] == [1, 1, 1, 2, 3, 6, 9]


def test_refuses_a_band_beyond_half_the_sample_rate():
    with pytest.raises(ValueError, match="beyond half"):
        spectral_contrast(torch.ones(1025, 1), 8000, 2048)


def test_refuses_bands_without_bins():
    with pytest.raises(ValueError, match="empty"):
        spectral_contrast(torch.ones(17, 1), 22_050, 32)


@pytest.mark.parametrize("settings", [{"fmin": 0.0}, {"n_bands": 0}, {"quantile": 1.0}])
def test_refuses_settings_out_of_range(settings):
    with pytest.raises(ValueError, match="need fmin"):
        spectral_contrast(torch.ones(1025, 1), 22_050, 2048, **settings)

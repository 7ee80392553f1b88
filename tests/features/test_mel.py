"""The mel filter bank against librosa's."""

import librosa
import numpy as np
import pytest

from ser_lib.features.mel import htk_mel_filters, mel_filters


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "fmin"), [(48_000, 1024, 128, 0), (16_000, 512, 40, 50)]
)
def test_filters_equal_librosa(rate, n_fft, n_mels, fmin):
    ours = mel_filters(rate, n_fft, n_mels, fmin, rate / 2).numpy()
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin)
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize(("rate", "n_fft", "n_mels"), [(48_000, 1024, 64), (16_000, 512, 40)])
def test_htk_filters_equal_librosa(rate, n_fft, n_mels):
    ours = htk_mel_filters(rate, n_fft, n_mels, 0.0, rate / 2).numpy()
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, htk=True, norm=None)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)

"""The mel filter bank against librosa's."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.features.mel import filter_bands, filtered, htk_mel_filters, mel_filters


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


# With 64 points most bands lie between two bins, and whole blocks of them are empty.
@pytest.mark.parametrize(("n_fft", "n_mels"), [(1024, 128), (2048, 40), (64, 128), (64, 3)])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_products_with_zeros_are_left_out_and_nothing_else(n_fft, n_mels, shape):
    filters = mel_filters(16_000, n_fft, n_mels, 0, 8_000)
    power = torch.rand(*shape, n_fft // 2 + 1, 9, generator=torch.Generator().manual_seed(0))
    found = filtered(filters, power, filter_bands(filters))
    torch.testing.assert_close(found, filters @ power, rtol=1e-5, atol=1e-9)

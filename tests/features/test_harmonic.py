"""Mean of the harmonic part against librosa's harmonic part."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.harmonic import harmonic_mask, harmonic_mean

N_FFT, HOP = 2048, 512


def clip(samples, seed=0):
    """Speech with an offset and a stretch of digital silence, float64."""
    speech = np.tile(voice("happy", seconds=0.5)[0].astype(np.float64), 3)[:samples]
    speech += 0.01 + np.random.default_rng(seed).normal(0, 0.01, len(speech))
    speech[len(speech) // 2 : len(speech) // 2 + 3000] = 0
    return speech


def mean(samples):
    """Ours, in the precision of ``samples``."""
    wave = torch.from_numpy(samples)
    window = torch.hann_window(N_FFT, dtype=wave.dtype)
    options = {"window": window, "pad_mode": "constant", "return_complex": True}
    spectrum = torch.stft(wave, N_FFT, HOP, **options)
    return float(harmonic_mean(spectrum, spectrum.abs(), window, len(wave)))


# Where the ends meet, where they part, and where the last frame sits exactly at the end.
@pytest.mark.parametrize(
    "samples", [1, 511, 1536, 2048, 2559, 2560, 3072, 3600, 4096, 12_345, 70_000]
)
@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
def test_equals_the_mean_of_librosas_harmonic_part(samples):
    wave = clip(samples)
    expected = librosa.effects.hpss(wave)[0].mean()
    assert mean(wave) == pytest.approx(expected, abs=1e-13 * np.abs(wave).mean(), rel=1e-9)


@pytest.mark.parametrize("samples", [512, 800, 1023, 1024, 1535, 9000])
@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
def test_equals_librosa_with_another_median_filter(samples, monkeypatch):
    # SciPy's reads beyond a row of two or three frames (seen with 1.17): any numbers, NaN included.
    monkeypatch.setattr(librosa.decompose, "median_filter", median_filter)
    test_equals_the_mean_of_librosas_harmonic_part(samples)


def median_filter(values, size, mode):
    """What scipy.ndimage.median_filter promises, for one axis longer than 1."""
    axis = int(np.argmax(size))
    padding = [(0, 0), (0, 0)]
    padding[axis] = (size[axis] // 2, size[axis] // 2)
    padded = np.pad(values, padding, mode={"reflect": "symmetric"}[mode])
    windows = np.lib.stride_tricks.sliding_window_view(padded, size[axis], axis=axis)
    return np.median(windows, axis=-1)


def test_single_precision_is_as_good_as_librosas():
    # Rounding of float32 spectra leaves about 1e-9 of the signal's level in either; without its
    # offset the mean itself can be as small as that, and nothing relative can be asked for.
    wave = clip(60_000).astype(np.float32)
    expected = librosa.effects.hpss(wave.astype(np.float64))[0].mean()
    assert mean(wave) == pytest.approx(expected, rel=1e-6, abs=1e-8 * float(np.abs(wave).mean()))


@pytest.mark.parametrize("frames", [1, 5, 31, 70])
def test_mask_equals_librosa(frames):
    rng = np.random.default_rng(frames)
    spectrum = rng.random((65, frames)) ** 8
    spectrum[:, frames // 2 :] *= rng.random((65, 1)) < 0.5
    spectrum[40:] *= 1e-30
    expected, _ = librosa.decompose.hpss(spectrum, mask=True)
    found = harmonic_mask(torch.from_numpy(spectrum), torch.arange(65), torch.arange(frames))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_mask_of_a_few_bins_and_frames():
    spectrum = torch.rand(65, 40, generator=torch.Generator().manual_seed(0))
    bins, frames = torch.tensor([0, 7, 64]), torch.tensor([39, 2])
    whole = harmonic_mask(spectrum, torch.arange(65), torch.arange(40))
    assert torch.equal(harmonic_mask(spectrum, bins, frames), whole[bins][:, frames])


def test_silence():
    assert mean(np.zeros(9000)) == 0.0
    assert harmonic_mask(torch.zeros(65, 3), torch.arange(2), torch.arange(3)).unique() == 0.5


@pytest.mark.parametrize("frames, length", [(4, 1000), (1, 0)])
def test_refuses_frames_of_another_clip(frames, length):
    spectrum = torch.zeros(1025, frames, dtype=torch.complex64)
    with pytest.raises(ValueError, match="frames"):
        harmonic_mean(spectrum, spectrum.abs(), torch.hann_window(N_FFT), length)

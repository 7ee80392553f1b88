"""Peaks and tuning against librosa, and their edges."""

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.features.pitch import estimate_tuning, piptrack, pitch_tuning

RATE, N_FFT = 22_050, 2048
rng = np.random.default_rng(0)


def magnitude(samples):
    """Spectrum as librosa takes it: (1025, frames) float32."""
    return np.abs(librosa.stft(samples, n_fft=N_FFT))


def torch_magnitude(samples):
    """The same spectrum by torch, with rounding of its own."""
    window = torch.hann_window(N_FFT)
    options = {"window": window, "pad_mode": "constant", "return_complex": True}
    return torch.stft(torch.from_numpy(samples), N_FFT, 512, **options).abs()


def clip(path):
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(resample(samples.mean(axis=1), rate, RATE), dtype=np.float32)


def spectra():
    """Names and spectra (1025, frames): speech, noise, tied neighbours, silence, loud edges."""
    yield "voice", magnitude(resample(voice("happy", seconds=1.0)[0], 48_000, RATE))
    yield "noise", rng.random((1025, 7), dtype=np.float32)
    yield "ties", rng.integers(0, 4, (1025, 9)).astype(np.float32)
    yield "silence", np.zeros((1025, 3), dtype=np.float32)
    edges = rng.random((1025, 4), dtype=np.float32)
    edges[[0, 1, -2, -1]] *= 9
    yield "edges", edges


@pytest.mark.parametrize("fmin, fmax", [(150.0, 4000.0), (70.0, 400.0), (0.0, 20_000.0)])
@pytest.mark.parametrize("name, spectrum", list(spectra()))
def test_piptrack_equals_librosa(name, spectrum, fmin, fmax):
    expected = librosa.piptrack(S=spectrum, sr=RATE, fmin=fmin, fmax=fmax)
    found = piptrack(torch.from_numpy(spectrum), RATE, N_FFT, fmin=fmin, fmax=fmax)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.numpy() > 0, theirs > 0)
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)


def test_threshold_and_an_empty_band():
    spectrum = rng.random((1025, 5), dtype=np.float32)
    expected, _ = librosa.piptrack(S=spectrum, sr=RATE, threshold=0.8)
    found, _ = piptrack(torch.from_numpy(spectrum), RATE, N_FFT, threshold=0.8)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    found, heights = piptrack(torch.from_numpy(spectrum), RATE, N_FFT, fmin=302.0, fmax=303.0)
    assert found.shape == heights.shape == (1025, 5)
    assert not found.any() and not heights.any()


@pytest.mark.parametrize("tuning", [-0.5, -0.31, 0.0, 0.25, 0.49])
@pytest.mark.parametrize("bins", [12, 36])
def test_tuning_of_a_scale(tuning, bins):
    scale = 440 * 2 ** ((np.arange(-20, 20) + tuning + 0.004) / bins)
    assert pitch_tuning(torch.from_numpy(scale), bins_per_octave=bins) == pytest.approx(tuning)


@pytest.mark.parametrize("resolution", [0.01, 0.03, 0.25])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tuning_of_many_frequencies_equals_librosa(resolution, dtype):
    # Few enough for ties between cells, whose first one counts.
    for seed in range(40):
        frequencies = np.random.default_rng(seed).uniform(-50, 900, 60).astype(dtype)
        expected = librosa.pitch_tuning(frequencies, resolution=resolution)
        assert pitch_tuning(torch.from_numpy(frequencies), resolution=resolution) == pytest.approx(
            expected, abs=1e-12
        )


@pytest.mark.parametrize("emotion", ["calm", "angry"])
def test_estimate_equals_librosa(emotion):
    samples = resample(voice(emotion, seconds=1.5)[0], 48_000, RATE)
    assert tunings(samples) == librosa_tunings(samples)


@pytest.mark.real
def test_estimate_equals_librosa_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::48]
    files += sorted((real_ravdess.parent / "EMO-DB").rglob("*.flac"))[::16]
    assert len(files) >= 60
    differing = [file.name for file in files if tunings(clip(file)) != librosa_tunings(clip(file))]
    # Another FFT rounds otherwise, which may move one peak across the edge of two equal cells.
    assert len(differing) <= 1, differing


def tunings(samples):
    spectrum = torch_magnitude(samples)
    return [
        round(estimate_tuning(spectrum, RATE, N_FFT, bins_per_octave=36), 6),
        round(estimate_tuning(spectrum.square(), RATE, N_FFT), 6),
    ]


def librosa_tunings(samples):
    spectrum = magnitude(samples)
    return [
        round(float(librosa.estimate_tuning(S=spectrum, sr=RATE, bins_per_octave=36)), 6),
        round(float(librosa.estimate_tuning(S=spectrum**2, sr=RATE)), 6),
    ]


def test_silence_and_nothing_are_in_tune():
    assert estimate_tuning(torch.zeros(1025, 4), RATE, N_FFT) == 0.0
    assert pitch_tuning(torch.zeros(0)) == 0.0
    assert pitch_tuning(torch.tensor([-3.0, 0.0])) == 0.0


def test_refuses_a_spectrum_of_another_size():
    with pytest.raises(ValueError, match="1025 bins"):
        piptrack(torch.zeros(513, 4), RATE, N_FFT)


@pytest.mark.parametrize("wrong", [{"resolution": 0.0}, {"resolution": 1}, {"bins_per_octave": 0}])
def test_refuses_a_scale_without_steps(wrong):
    with pytest.raises(ValueError, match="resolution"):
        pitch_tuning(torch.tensor([440.0]), **wrong)

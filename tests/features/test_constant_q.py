"""Constant-Q transform against librosa."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.constant_q import constant_q


def librosa_cqt(samples, sample_rate, tuning):
    return np.abs(
        librosa.cqt(samples, sr=sample_rate, n_bins=252, bins_per_octave=36, tuning=tuning)
    )


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize(
    "sample_rate, tuning",
    [(22_050, 0.0), (22_050, -0.5), (22_050, 0.49), (16_000, 0.13), (44_100, -0.2), (96_000, 0.1)],
)
def test_equals_librosa(sample_rate, tuning):
    samples = voice("angry", seconds=1.5)[0]
    expected = librosa_cqt(samples, sample_rate, tuning)
    result = constant_q(torch.from_numpy(samples), sample_rate, tuning).numpy()
    assert result.shape == expected.shape
    # Of the clip's maximum, and of every frame's.
    assert np.abs(result - expected).max() < 1e-4 * expected.max()
    assert (np.abs(result - expected).max(axis=0) < 5e-3 * expected.max(axis=0)).all()


@pytest.mark.parametrize("octave", range(7))
def test_a_note_is_found_in_its_bin(octave):
    hertz = librosa.note_to_hz(f"D{octave + 1}")
    samples = torch.sin(2 * torch.pi * hertz * torch.arange(66_150) / 22_050)
    loudest = constant_q(samples, 22_050, 0.0)[:, 40:90].argmax(dim=0)
    assert (loudest == 36 * octave + 6).all()


@pytest.mark.parametrize("n", [1, 511, 512, 513, 5000])
def test_frames_of_short_clips(n):
    result = constant_q(torch.ones(n), 22_050, 0.0)
    assert result.shape == (252, 1 + n // 512)
    assert torch.isfinite(result).all()


def test_silence_is_silent():
    assert constant_q(torch.zeros(4000), 22_050, 0.0).eq(0).all()


def test_filters_made_in_inference_mode_serve_gradients():
    samples = torch.from_numpy(voice("sad", seconds=0.5)[0])
    with torch.inference_mode():
        constant_q(samples, 22_050, 0.3217)
    samples.requires_grad_()
    constant_q(samples, 22_050, 0.3217).square().sum().backward()
    assert torch.isfinite(samples.grad).all() and samples.grad.abs().sum() > 0


@pytest.mark.parametrize("sample_rate, hop", [(8000, 512), (22_050, 500), (22_050, 32)])
def test_refuses_what_it_cannot_analyse(sample_rate, hop):
    with pytest.raises(ValueError, match="multiple of 64"):
        constant_q(torch.ones(100), sample_rate, 0.0, hop)

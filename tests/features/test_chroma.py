"""Chroma against librosa."""

import librosa
import numpy as np
import pytest
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.chroma import by_largest, chroma, chroma_filters


@pytest.mark.parametrize("tuning", [0.0, -0.5, 0.37])
@pytest.mark.parametrize("sample_rate, n_fft", [(22_050, 2048), (48_000, 1024)])
def test_filters_equal_librosa(sample_rate, n_fft, tuning):
    expected = librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=tuning)
    filters = chroma_filters(sample_rate, n_fft, tuning, torch.device("cpu"))
    np.testing.assert_allclose(filters.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("emotion", ["calm", "angry"])
def test_equals_librosa(emotion):
    samples = voice(emotion, seconds=1.5)[0]
    expected = librosa.feature.chroma_stft(y=samples, sr=48_000, tuning=0.21)
    power = np.abs(librosa.stft(samples)) ** 2
    result = chroma(torch.from_numpy(power), 48_000, 2048, 0.21)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("note, name", [(261.626, 0), (440.0, 9), (987.767, 11)])
def test_a_note_is_found_in_its_class(note, name):
    samples = np.sin(2 * np.pi * note * np.arange(22_050) / 22_050).astype(np.float32)
    power = torch.from_numpy(np.abs(librosa.stft(samples)) ** 2)
    assert (chroma(power, 22_050, 2048, 0.0)[:, 5:-5].argmax(dim=0) == name).all()


def test_a_silent_frame_has_no_class():
    power = torch.rand(1025, 3)
    power[:, 1] = 0
    result = chroma(power, 22_050, 2048, 0.0)
    assert result[:, 1].eq(0).all()
    assert result[:, ::2].amax(dim=0).eq(1).all()


def test_what_is_too_small_to_divide_by_stays():
    tiny = torch.full((12, 1), 1e-40)
    assert torch.equal(by_largest(tiny), tiny)

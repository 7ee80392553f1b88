"""MFCC against librosa, and their independence of padding and neighbours."""

import librosa
import numpy as np
import pytest
import scipy.fft
import soundfile
import torch

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.features.mfcc import MFCC, dct_matrix


def librosa_mfcc(samples):
    """The features the way CDCapobianco computes them: (25, 216)."""
    stretch = np.zeros(110_250, dtype=np.float32)
    cut = samples[22_050 : 22_050 + 110_250]
    stretch[: len(cut)] = cut
    return librosa.feature.mfcc(y=stretch, sr=44_100, n_mfcc=25)


def features(*clips):
    batch = [torch.as_tensor(clip) for clip in clips]
    lengths = torch.tensor([len(clip) for clip in batch])
    return MFCC()(torch.nn.utils.rnn.pad_sequence(batch, batch_first=True), lengths)[0].numpy()


def close(samples):
    expected = librosa_mfcc(samples)
    error = np.abs(features(samples)[0] - expected)
    return error.max() <= 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("emotion", ["calm", "angry"])
def test_equals_librosa(emotion):
    assert close(resample(voice(emotion)[0], 48_000, 44_100))


@pytest.mark.real
def test_equals_librosa_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::97]
    assert files
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        assert close(resample(samples.mean(axis=1), rate, 44_100)), file


def test_shape():
    assert features(np.zeros(60_000, dtype=np.float32)).shape == (1, *MFCC().shape) == (1, 25, 216)


def test_a_clip_does_not_see_its_neighbours():
    short, long = np.random.default_rng(0).normal(0, 0.1, (2, 150_000)).astype(np.float32)
    short = short[:70_000]
    np.testing.assert_array_equal(features(short)[0], features(short, long)[0])


def test_dct_equals_scipy():
    x = np.random.default_rng(0).normal(size=(128, 3))
    expected = scipy.fft.dct(x, axis=0, type=2, norm="ortho")[:25]
    np.testing.assert_allclose(dct_matrix(25, 128).numpy() @ x, expected, atol=1e-5)


def test_refuses_more_coefficients_than_bands():
    with pytest.raises(ValueError, match="n_mfcc"):
        MFCC(n_mfcc=40, n_mels=20)

"""The log-mel front end against librosa, and its independence of padding and neighbours."""

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ser_lib.corpora.sample import voice
from ser_lib.features.log_mel import LogMel


def librosa_log_mel(samples):
    """The features the way Data-Science-kosta computes them: (128, 563), dB."""
    stretch = np.zeros(144_000, dtype=np.float32)
    cut = samples[24_000 : 24_000 + 144_000]
    stretch[: len(cut)] = cut
    mel = librosa.feature.melspectrogram(
        y=stretch,
        sr=48_000,
        n_fft=1024,
        win_length=512,
        window="hamming",
        hop_length=256,
        n_mels=128,
        fmax=24_000,
    )
    return librosa.power_to_db(mel, ref=np.max)


def features(*clips):
    longest = max(len(clip) for clip in clips)
    batch = torch.zeros(len(clips), longest)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = torch.as_tensor(clip)
    lengths = torch.tensor([len(clip) for clip in clips])
    return LogMel()(batch, lengths)[0].numpy()


@pytest.mark.parametrize("emotion", ["calm", "angry"])
def test_equals_librosa_within_a_hundredth_of_a_decibel(emotion):
    samples, rate = voice(emotion)
    assert rate == 48_000
    np.testing.assert_allclose(features(samples)[0], librosa_log_mel(samples), atol=0.01)


@pytest.mark.real
def test_equals_librosa_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::97]
    assert files
    for file in files:
        samples = soundfile.read(file, dtype="float32", always_2d=True)[0].mean(axis=1)
        np.testing.assert_allclose(features(samples)[0], librosa_log_mel(samples), atol=0.01)


def test_shape_and_range():
    found = features(voice("happy")[0])
    assert found.shape == (1, *LogMel().shape) == (1, 128, 563)
    assert found.max() == 0
    assert found.min() >= -80


def test_a_clip_does_not_see_its_neighbours():
    short, long = voice("sad", seconds=1.2)[0], voice("angry", speaker=2)[0]
    assert len(short) < len(long)
    np.testing.assert_array_equal(features(short)[0], features(short, long)[0])


def test_what_lies_beyond_the_length_is_silence():
    waveform = torch.randn(1, 100_000)
    padded = torch.cat([waveform, torch.randn(1, 50_000)], dim=1)
    length = torch.tensor([100_000])
    front_end = LogMel()
    torch.testing.assert_close(front_end(padded, length)[0], front_end(waveform, length)[0])


@pytest.mark.parametrize("samples", [1, 24_000, 200_000])
def test_silence_and_very_short_clips_are_finite(samples):
    found = features(np.zeros(samples, dtype=np.float32))
    assert np.isfinite(found).all()


def test_built_on_the_meta_device_its_filters_are_real():
    with torch.device("meta"):
        front_end = LogMel()
    assert front_end.filters.device.type == "cpu"
    assert set(front_end.state_dict()) == {"window", "filters"}


def test_refuses_an_unknown_window():
    with pytest.raises(ValueError, match="window"):
        LogMel(window="kaiser")


def test_refuses_a_window_longer_than_the_frame():
    with pytest.raises(ValueError, match="win_length"):
        LogMel(win_length=4096)

"""harshpreet07's mel spectrogram against torchaudio, which it uses, and against padding."""

import numpy as np
import pytest
import soundfile
import torch
import torchaudio

from ser_lib.corpora.sample import voice
from ser_lib.features.mel_image import MelImage


def reference(samples):
    """The source's own transforms on the whole clip, cut or filled with 0 to 400 frames."""
    mel = torchaudio.transforms.MelSpectrogram(48_000, n_fft=1024, hop_length=512, n_mels=64)
    decibels = torchaudio.transforms.AmplitudeToDB("power")(mel(torch.as_tensor(samples)))
    return torch.nn.functional.pad(decibels[:, :400], (0, max(0, 400 - decibels.shape[1])))


def features(*clips):
    batch = [torch.as_tensor(clip) for clip in clips]
    lengths = torch.tensor([len(clip) for clip in batch])
    return MelImage()(torch.nn.utils.rnn.pad_sequence(batch, batch_first=True), lengths)[0]


@pytest.mark.parametrize("seconds", [1.0, 3.0, 5.0])
def test_equals_torchaudio(seconds):
    samples = voice("happy", seconds=seconds)[0]
    torch.testing.assert_close(features(samples)[0], reference(samples), atol=0.01, rtol=0)


@pytest.mark.real
def test_equals_torchaudio_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::97]
    assert files
    for file in files:
        samples = soundfile.read(file, dtype="float32", always_2d=True)[0].mean(axis=1)
        torch.testing.assert_close(features(samples)[0], reference(samples), atol=0.01, rtol=0)


def test_short_clips_are_filled_up_with_zero_decibels():
    found = features(voice("sad", seconds=1.0)[0])
    frames = 1 + 48_000 // 512
    assert found.shape == (1, 64, 400)
    assert not found[0, :, frames:].any()
    assert found[0, :, :frames].all()


def test_a_clip_does_not_see_its_neighbours():
    short, long = np.random.default_rng(0).normal(0, 0.1, (2, 150_000)).astype(np.float32)
    torch.testing.assert_close(
        features(short[:70_000])[0], features(short[:70_000], long)[0], atol=0, rtol=0
    )


@pytest.mark.parametrize("samples", [1, 512, 513])
def test_very_short_clips_are_finite(samples):
    assert torch.isfinite(features(np.full(samples, 0.1, dtype=np.float32))).all()


def test_refuses_an_image_without_frames():
    with pytest.raises(ValueError, match="frames"):
        MelImage(frames=0)

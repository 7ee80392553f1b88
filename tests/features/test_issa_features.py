"""Issa's 193 features against librosa, and their independence of neighbours."""

import json

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.features.issa_features import IssaFeatures
from ser_lib.registry import build

# librosa says so of its own downsampled octaves.
pytestmark = pytest.mark.filterwarnings("ignore:n_fft")

MFCC, CHROMA, MEL = slice(0, 40), slice(40, 52), slice(52, 180)
CONTRAST, TONNETZ = slice(180, 187), slice(187, 193)


def librosa_features(samples):
    """The features as AnkushMalaker's repository computes them, in the paper's order."""
    feature = librosa.feature
    parts = [
        feature.mfcc(y=samples, sr=22_050, n_mfcc=40),
        feature.chroma_stft(y=samples, sr=22_050),
        feature.melspectrogram(y=samples, sr=22_050),
        feature.spectral_contrast(y=samples, sr=22_050),
        feature.tonnetz(y=samples, sr=22_050),
    ]
    return np.concatenate([np.mean(part.T, axis=0) for part in parts])


def features(*clips, front_end=None):
    batch = [torch.as_tensor(clip) for clip in clips]
    lengths = torch.tensor([len(clip) for clip in batch])
    waveforms = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
    result, frames = (front_end or IssaFeatures())(waveforms, lengths)
    assert result.shape == (len(clips), 193, 1) and frames.tolist() == [1] * len(clips)
    return result[:, :, 0].numpy()


def check(samples, name):
    expected, result = librosa_features(samples), features(samples)[0]
    error = np.abs(result - expected)
    # A coefficient that happens to lie near 0 is compared with what float32 leaves of the first
    # one, some hundreds: the library's own rounding is as large.
    first = np.abs(expected[0])
    assert (error[MFCC] <= 1e-3 * np.abs(expected[MFCC]) + 2e-7 * first).all(), name
    for part in (CHROMA, MEL, CONTRAST):
        np.testing.assert_allclose(result[part], expected[part], rtol=1e-4, err_msg=name)
    assert error[TONNETZ].max() < 2e-3 or tuning_is_a_toss_up(samples), name


def tuning_is_a_toss_up(samples):
    """Whether librosa's tuning, the most frequent of 100, leads by three peaks or fewer.

    Then the last bit of a few magnitudes decides, which differs from processor to processor.
    """
    pitches, heights = librosa.piptrack(S=np.abs(librosa.stft(samples)), sr=22_050)
    heard = pitches > 0
    loud = heard & (heights >= np.median(heights[heard]))
    thirds = 36 * librosa.hz_to_octs(pitches[loud])
    counts, _ = np.histogram((thirds + 0.5) % 1.0, np.linspace(0, 1, 101))
    second, first = np.sort(counts)[-2:]
    return first - second <= 3


@pytest.mark.parametrize("emotion", ["calm", "angry", "sad", "happy"])
def test_equals_librosa(emotion):
    check(resample(voice(emotion)[0], 48_000, 22_050), emotion)


@pytest.mark.real
@pytest.mark.parametrize("corpus, clips", [("RAVDESS", 36), ("EMO-DB", 24)])
def test_equals_librosa_on_real_clips(real_ravdess, corpus, clips):
    files = sorted(path for path in (real_ravdess.parent / corpus).rglob("*.flac"))
    if not files:
        pytest.skip(f"{corpus} is not beside RAVDESS")
    for file in files[11 :: len(files) // clips]:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        check(resample(samples.mean(axis=1), rate, 22_050), file.name)


def test_orders():
    samples = voice("calm", seconds=1.0)[0]
    paper = features(samples)
    repository = features(samples, front_end=IssaFeatures(order="repository"))
    np.testing.assert_array_equal(repository[:, 40:168], paper[:, MEL])
    np.testing.assert_array_equal(repository[:, 168:180], paper[:, CHROMA])
    same = np.r_[0:40, 180:193]
    np.testing.assert_array_equal(repository[:, same], paper[:, same])


def test_a_clip_does_not_see_its_neighbours():
    short, long = voice("calm", seconds=0.7)[0], voice("angry", seconds=1.5)[0]
    np.testing.assert_array_equal(features(short)[0], features(short, long)[0])


def test_what_lies_beyond_a_clip_is_ignored():
    samples = torch.from_numpy(voice("calm", seconds=1.0)[0])[None]
    lengths = torch.tensor([30_000])
    noisy = samples.clone()
    noisy[:, 30_000:] = 1.0
    torch.testing.assert_close(IssaFeatures()(samples, lengths), IssaFeatures()(noisy, lengths))


@pytest.mark.parametrize("n", [0, 1, 2, 100, 512, 3000])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_short_clips_and_silence_are_finite(n, value):
    clip = np.full(n, value, dtype=np.float32)
    assert np.isfinite(features(clip, np.ones(3000, dtype=np.float32))).all()


def test_silence_has_no_pitch_classes():
    silence = features(np.zeros(22_050, dtype=np.float32))[0]
    assert (silence[40:] == 0).all()
    assert silence[0] == pytest.approx(-100 * np.sqrt(128))


def test_an_instance_comes_back_from_its_spec():
    front_end = IssaFeatures(order="repository")
    again = build(json.loads(json.dumps(front_end.spec)))
    samples = voice("happy", seconds=0.5)[0]
    np.testing.assert_array_equal(
        features(samples, front_end=again), features(samples, front_end=front_end)
    )
    assert again.shape == (193, 1) and again.sample_rate == 22_050


def test_works_at_other_sample_rates():
    samples = voice("happy", seconds=1.0)[0]
    result = features(samples, front_end=IssaFeatures(sample_rate=48_000))[0]
    expected = np.mean(librosa.feature.chroma_stft(y=samples, sr=48_000).T, axis=0)
    np.testing.assert_allclose(result[CHROMA], expected, rtol=1e-4)
    expected = np.mean(librosa.feature.tonnetz(y=samples, sr=48_000).T, axis=0)
    np.testing.assert_allclose(result[TONNETZ], expected, atol=2e-3)


def test_refuses_an_unknown_order():
    with pytest.raises(ValueError, match="'paper'"):
        IssaFeatures(order="mel first")


def test_refuses_a_sample_rate_without_the_highest_band():
    with pytest.raises(ValueError, match="half the sample rate"):
        IssaFeatures(sample_rate=8000)

"""Mean MFCC, centroid and bandwidth against librosa as harshpreet07 calls it."""

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.features.mfcc_means import MFCCMeans
from ser_lib.registry import build

RATE = 48_000
TREE = {}
PERCEPTRON = {"n_mfcc": 40, "n_fft": 2048, "hop_length": 512, "with_centroid": False}


def source(samples, arguments):
    """The features the way the source computes them: (62,) or (40,)."""
    if arguments is PERCEPTRON:
        return librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=40).mean(axis=1)
    mfcc = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=60, hop_length=480, n_fft=960)
    shape = librosa.feature.spectral_centroid(y=samples, sr=RATE).mean()
    width = librosa.feature.spectral_bandwidth(y=samples, sr=RATE).mean()
    return np.concatenate([mfcc.mean(axis=1), [shape, width]])


def features(arguments, *clips):
    batch = [torch.as_tensor(clip) for clip in clips]
    lengths = torch.tensor([len(clip) for clip in batch])
    batch = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=7.0)
    found, sizes = MFCCMeans(**arguments)(batch, lengths)
    assert sizes.tolist() == [1] * len(clips)
    return found[:, :, 0].numpy()


def assert_close(arguments, samples):
    # Coefficients of some hundred dB are rounded to about 1e-4; some are nearly zero.
    expected = source(samples, arguments)
    np.testing.assert_allclose(features(arguments, samples)[0], expected, rtol=1e-3, atol=1e-3)


both = pytest.mark.parametrize("arguments", [TREE, PERCEPTRON], ids=["tree", "perceptron"])


@both
@pytest.mark.parametrize("emotion", ["calm", "angry"])
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_equals_librosa(arguments, emotion):
    assert_close(arguments, voice(emotion, seconds=1.5)[0])


@both
@pytest.mark.real
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_equals_librosa_on_real_clips(arguments, real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::97]
    files += sorted((real_ravdess.parent / "EMO-DB").rglob("*.flac"))[::60]
    assert len(files) > 20
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        samples = samples.mean(axis=1)
        if rate != RATE:
            samples = resample(samples, rate, RATE)
        assert_close(arguments, np.ascontiguousarray(samples, dtype=np.float32))


def test_shapes():
    assert MFCCMeans().shape == (62, 1)
    assert MFCCMeans(**PERCEPTRON).shape == (40, 1)
    found, _ = MFCCMeans()(torch.zeros(2, 900), torch.tensor([900, 900]))
    assert found.shape == (2, 62, 1)


@both
def test_a_clip_does_not_see_its_neighbours_nor_its_padding(arguments):
    short, long = np.random.default_rng(0).normal(0, 0.1, (2, 20_000)).astype(np.float32)
    alone = features(arguments, short[:7000])[0]
    np.testing.assert_array_equal(alone, features(arguments, short[:7000], long)[0])


@both
@pytest.mark.parametrize("samples", [0, 1, 100, 3000])
def test_silence_and_next_to_nothing_give_numbers(arguments, samples):
    assert np.isfinite(features(arguments, np.zeros(samples, dtype=np.float32))).all()
    assert np.isfinite(features(arguments, np.ones(samples, dtype=np.float32))).all()


def test_the_frames_of_the_centroid_are_their_own():
    clip = voice("calm", seconds=0.5)[0]
    shared = features({"n_mfcc": 13, "n_fft": 2048, "hop_length": 512}, clip)[0]
    np.testing.assert_allclose(features(TREE, clip)[0, -2:], shared[-2:], rtol=1e-6)


def test_its_spec_builds_it_again():
    block = MFCCMeans(n_mfcc=20)
    again = build(block.spec)
    assert again.spec == block.spec and again.shape == (22, 1)
    again.load_state_dict(block.state_dict())


@pytest.mark.parametrize(
    "wrong", [{"n_mfcc": 129}, {"n_mfcc": 0}, {"n_fft": 1}, {"hop_length": 0}, {"sample_rate": 0}]
)
def test_refuses_sizes_without_sense(wrong):
    with pytest.raises(ValueError, match="n_mfcc"):
        MFCCMeans(**wrong)

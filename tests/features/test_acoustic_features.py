"""The 199 features against librosa as ShaheenPerveen calls it."""

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.features.acoustic_features import AcousticFeatures
from ser_lib.registry import build

RATE = 22_050
HARMONIC, MFCC = 13, slice(16, 52)
rng = np.random.default_rng(0)

pytestmark = [
    pytest.mark.filterwarnings("ignore:n_fft=2048 is too large"),
    pytest.mark.filterwarnings("ignore:Trying to estimate tuning"),
]


def source(samples, source_pitch=False):
    """The features the way the source computes them, or with the pitch track put right: (199,)."""
    spectrum = np.abs(librosa.stft(samples))
    pitches, heights = librosa.piptrack(S=spectrum, sr=RATE, fmin=70, fmax=400)
    frames = np.arange(pitches.shape[1])
    strongest = heights[:, 1].argmax() if source_pitch else heights.argmax(axis=0)
    pitch = pitches[strongest, frames]
    centre = librosa.feature.spectral_centroid(y=samples, sr=RATE)
    centre = centre / centre.sum()
    level = librosa.feature.rms(y=samples + np.float32(0.0001))
    mfcc = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=12)
    tracks = [
        librosa.feature.chroma_stft(S=spectrum, sr=RATE),
        librosa.feature.melspectrogram(y=samples, sr=RATE),
        librosa.feature.spectral_contrast(S=spectrum, sr=RATE),
    ]
    single = [
        librosa.feature.spectral_flatness(y=samples).mean(),
        librosa.feature.zero_crossing_rate(samples).mean(),
        *(centre.mean(), centre.std(), centre.max()),
        *(pitch.mean(), pitch.max(), pitch.min(), pitch.std()),
        librosa.pitch_tuning(pitches),
        *(level.mean(), level.max(), level.std()),
        librosa.effects.hpss(samples)[0].mean(),
        *(np.abs(samples).mean(), samples.std()),
    ]
    means = [track.mean(axis=1) for track in tracks]
    return np.concatenate([single, mfcc.mean(1), mfcc.std(1), mfcc.max(1), *means])


def features(*clips, **arguments):
    """Ours: (clips, 199, parts)."""
    batch = [torch.as_tensor(clip) for clip in clips]
    lengths = torch.tensor([len(clip) for clip in batch])
    batch = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=7.0)
    front_end = AcousticFeatures(**arguments)
    found, sizes = front_end(batch, lengths)
    assert found.shape == (len(clips), *front_end.shape)
    assert sizes.tolist() == [front_end.parts] * len(clips)
    return found.numpy()


def assert_close(found, samples, source_pitch=False):
    # Two kinds of features come near zero by cancellation, where nothing relative can be asked for.
    # The mean of the harmonic part is right to about 1e-9 of the signal's level, in librosa's
    # float32 as in ours (test_harmonic.py). A coefficient sums 128 bands of up to 100 dB, each
    # rounded to 1e-5 dB.
    tolerance = np.zeros(199)
    tolerance[HARMONIC] = 2e-8 * np.abs(samples).mean()
    tolerance[MFCC] = 1e-4
    expected = source(samples, source_pitch)
    wrong = np.abs(found - expected) > 1e-3 * np.abs(expected) + tolerance
    assert not wrong.any(), [(i, found[i], expected[i]) for i in np.flatnonzero(wrong)]


def speech(emotion, seconds=1.5):
    samples = resample(voice(emotion, seconds=seconds)[0], 48_000, RATE)
    return np.ascontiguousarray(samples, dtype=np.float32)


@pytest.mark.parametrize("emotion", ["calm", "angry", "sad"])
@pytest.mark.parametrize("source_pitch", [False, True])
def test_equals_librosa(emotion, source_pitch):
    clip = speech(emotion)
    assert_close(features(clip, source_pitch=source_pitch)[0, :, 0], clip, source_pitch)


# Not 512 to 1535 samples: SciPy's median filter, and so librosa's harmonic part, is wrong there.
@pytest.mark.parametrize("samples", [300, 1536, 2047, 4000])
def test_equals_librosa_on_less_than_a_few_frames(samples):
    clip = speech("happy")[3000 : 3000 + samples]
    assert_close(features(clip)[0, :, 0], clip)


@pytest.mark.real
def test_equals_librosa_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::131]
    files += sorted((real_ravdess.parent / "EMO-DB").rglob("*.flac"))[::60]
    assert len(files) >= 18
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        clip = np.ascontiguousarray(resample(samples.mean(axis=1), rate, RATE), dtype=np.float32)
        assert_close(features(clip)[0, :, 0], clip)
        middle = np.array_split(clip, 5)[2]
        assert_close(features(clip, parts=5, source_pitch=True)[0, :, 2], middle, True)


def test_parts_are_cut_as_by_numpy():
    clip = speech("fearful", seconds=1.0)[:22_003]
    found = features(clip, parts=5)[0]
    for part, piece in enumerate(np.array_split(clip, 5)):
        np.testing.assert_array_equal(found[:, part], features(piece)[0, :, 0])


def test_the_slip_changes_the_pitch_and_nothing_else():
    clip = speech("surprised")
    put_right, slipped = features(clip)[0, :, 0], features(clip, source_pitch=True)[0, :, 0]
    changed = np.flatnonzero(put_right != slipped)
    assert len(changed) and set(changed) <= {5, 6, 7, 8}


@pytest.mark.parametrize("parts", [1, 5])
def test_a_clip_does_not_see_its_neighbours_nor_its_padding(parts):
    short, long = rng.normal(0, 0.1, (2, 20_000)).astype(np.float32)
    alone = features(short[:7000], parts=parts)[0]
    np.testing.assert_array_equal(alone, features(short[:7000], long, parts=parts)[0])


@pytest.mark.parametrize("samples", [0, 1, 3, 7, 512, 9000])
@pytest.mark.parametrize("parts", [1, 5])
@pytest.mark.parametrize("source_pitch", [False, True])
def test_silence_and_next_to_nothing_give_numbers(samples, parts, source_pitch):
    silence = np.zeros(samples, dtype=np.float32)
    noise = rng.normal(0, 0.1, samples).astype(np.float32)
    found = features(silence, silence + 1, noise, parts=parts, source_pitch=source_pitch)
    assert np.isfinite(found).all()


def test_silence_in_numbers():
    found = features(np.zeros(9000, dtype=np.float32))[0, :, 0]
    assert found[0] == pytest.approx(1.0)
    np.testing.assert_array_equal(found[1:10], 0)
    np.testing.assert_allclose(found[10:13], [1e-4, 1e-4, 0], atol=4e-5)
    np.testing.assert_array_equal(found[13:16], 0)
    np.testing.assert_array_equal(found[52:192], 0)


def test_its_spec_builds_it_again():
    block = AcousticFeatures(parts=5)
    again = build(block.spec)
    assert again.spec == block.spec and again.shape == (199, 5)
    again.load_state_dict(block.state_dict())


@pytest.mark.parametrize("wrong", [{"parts": 0}, {"sample_rate": 12_800}])
def test_refuses_values_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AcousticFeatures(**wrong)


@pytest.mark.parametrize("parts", [0, -1, 101, 10**6, 1.5, True, "5", None])
def test_parts_are_a_whole_number_in_range(parts):
    with pytest.raises(ValueError, match="a clip has 1 to 100"):
        AcousticFeatures(parts=parts)

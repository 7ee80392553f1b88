"""Pictures against librosa, matplotlib and Pillow doing what the source's notebook does."""

import io

import librosa
import librosa.display
import matplotlib
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.features.magma import magma
from ser_lib.features.spectrogram_picture import SpectrogramPicture, resized

matplotlib.use("agg")

import matplotlib.pyplot as plt

# What notebooks of 2019 changed in matplotlib's settings.
NOTEBOOK = {"figure.figsize": (6, 4), "figure.subplot.bottom": 0.125}


def drawn(decibels, kind="png", **options):
    """The source's picture of a spectrogram: ``(200, 300, 3)``."""
    file = io.BytesIO()
    with plt.rc_context(NOTEBOOK):
        figure = plt.figure()
        librosa.display.specshow(decibels, sr=22_050, x_axis="time", y_axis="mel")
        plt.axis("off")
        figure.savefig(file, dpi=50, format=kind, **options)
        plt.close(figure)
    return np.asarray(Image.open(file).convert("RGB"))


def decibels(samples):
    power = librosa.feature.melspectrogram(y=samples, sr=22_050, n_mels=128)
    return librosa.power_to_db(power, ref=np.max)


def cut(picture):
    """Resized and cut like torchvision does it, to 256 and 224 pixels."""
    return Image.fromarray(picture).resize((384, 256), Image.BILINEAR).crop((80, 16, 304, 240))


def standardised(picture):
    colours = np.asarray(picture, dtype=np.float32) / 255
    return ((colours - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1)


def features(*clips):
    batch = [torch.as_tensor(clip) for clip in clips]
    lengths = torch.tensor([len(clip) for clip in batch])
    padded = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
    return SpectrogramPicture()(padded, lengths)[0].numpy()


@pytest.fixture(scope="module")
def samples():
    return resample(voice("sad")[0], 48_000, 22_050)


def undecided(frames):
    """Columns whose middle a frame begins at: matplotlib's rounding errors choose what is there."""
    return [37 + 465 * k // (2 * frames) for k in range(1, frames) if 465 * k % (2 * frames) == 0]


# 0.05 to 35 seconds; 186 frames leave 46 columns undecided.
@pytest.mark.parametrize("frames", [2, 3, 16, 100, 132, 193, 232, 233, 301, 186, 700, 1501])
def test_every_pixel_is_matplotlibs(frames):
    spectrogram = -80 * np.random.default_rng(frames).random((128, frames), dtype=np.float32)
    ours = SpectrogramPicture().drawing(torch.from_numpy(spectrogram)).numpy()
    differing = np.abs(ours - drawn(spectrogram)).max(axis=2)
    differing[:, undecided(frames)] = 0
    # A level that lies on the border between two colours to the last digit may get either.
    assert (differing > 0).sum() <= 5
    assert differing.max() <= 4


def test_colours_are_magmas():
    wanted = np.asarray(matplotlib.colormaps["magma"].colors) * 255
    assert np.abs(magma().numpy() - wanted).max() <= 0.5


def test_resizing_is_pillows():
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    ours = resized(resized(torch.from_numpy(picture).float(), 1, 80), 0, 16)
    np.testing.assert_array_equal(ours.numpy(), np.asarray(cut(picture)))


def test_equals_the_way_of_the_source_without_its_jpeg(samples):
    wanted = standardised(cut(drawn(decibels(samples))))
    error = np.abs(features(samples)[0] - wanted)
    assert (error > 1e-5).mean() < 1e-3
    assert error.max() < 0.2


def test_the_sources_jpeg_changes_little(samples):
    jpeg = drawn(decibels(samples), "jpg", pil_kwargs={"quality": 95})
    error = np.abs(features(samples)[0] - standardised(cut(jpeg)))
    assert 0.01 < error.mean() < 0.1


@pytest.mark.real
def test_equals_the_way_of_the_source_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::97]
    assert files
    shares = []
    for file in files:
        clip, rate = soundfile.read(file, dtype="float32", always_2d=True)
        clip = resample(clip.mean(axis=1), rate, 22_050)
        error = np.abs(features(clip)[0] - standardised(cut(drawn(decibels(clip)))))
        shares.append((error > 1e-5).mean())
    # Some have an undecided column or more.
    assert np.median(shares) < 1e-3
    assert np.mean(shares) < 0.01


def test_shape(samples):
    front_end = SpectrogramPicture()
    pictures, lengths = front_end(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    assert pictures.shape == (1, *front_end.shape) == (1, 3, 224, 224)
    assert lengths.tolist() == [224]


def test_a_clip_does_not_see_its_neighbours():
    short, long = np.random.default_rng(0).normal(0, 0.1, (2, 60_000)).astype(np.float32)
    short = short[:30_000]
    np.testing.assert_array_equal(features(short)[0], features(short, long)[0])


@pytest.mark.parametrize("count", [0, 1, 511, 22_050])
def test_silence_is_black_between_white(count):
    picture = features(np.zeros(max(count, 1), dtype=np.float32)[:count])[0]
    black, white = standardised(np.array([[[0, 0, 4]], [[255, 255, 255]]])).transpose(1, 0, 2)
    np.testing.assert_allclose(picture[:, 112], np.tile(black, 224), atol=1e-6)
    np.testing.assert_allclose(picture[:, 0], np.tile(white, 224), atol=1e-6)
    np.testing.assert_allclose(picture[:, -1], np.tile(white, 224), atol=1e-6)


def test_one_sample_is_one_frame_across_the_picture():
    picture = features(np.array([0.3], dtype=np.float32))[0]
    assert np.isfinite(picture).all()
    np.testing.assert_array_equal(picture, np.broadcast_to(picture[..., :1], picture.shape))


@pytest.mark.parametrize("size", [{"n_mels": 1}, {"hop_length": 0}, {"top_db": 0}])
def test_refuses_sizes_without_a_picture(size):
    with pytest.raises(ValueError, match=next(iter(size))):
        SpectrogramPicture(**size)

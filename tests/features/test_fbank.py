"""SpeechBrain's filter bank as a front end: its own numbers, padding, devices, awkward clips."""

import pytest
import torch
from speechbrain.lobes.features import Fbank
from speechbrain.processing.features import InputNormalization
from torch._subclasses.fake_tensor import FakeTensorMode

from ser_lib.audio import read_audio, resample
from ser_lib.corpora.sample import voice
from ser_lib.features.fbank import MeanFreeFbank
from ser_lib.registry import build


def speech(emotion="angry", seconds=2.0):
    return torch.from_numpy(resample(voice(emotion, seconds=seconds)[0], 48_000, 16_000))


def features(*clips):
    batch = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    return MeanFreeFbank()(batch, torch.tensor([len(clip) for clip in clips]))


def speechbrain(clip):
    """What SpeechBrain computes of one clip: (80, frames)."""
    normalise = InputNormalization(norm_type="sentence", std_norm=False)
    return normalise(Fbank(n_mels=80)(clip[None]), torch.ones(1))[0].T


@pytest.mark.parametrize("emotion", ["calm", "angry"])
def test_equals_speechbrain(emotion):
    clip = speech(emotion)
    found, lengths = features(clip)
    torch.testing.assert_close(found[0], speechbrain(clip), atol=1e-4, rtol=0)
    assert found.shape == (1, *MeanFreeFbank().shape, 201) and lengths.tolist() == [201]
    assert 60 < found.max() - found.min() <= 80 + 80


@pytest.mark.real
def test_equals_speechbrain_on_real_clips(real_ravdess):
    files = sorted(real_ravdess.rglob("*.flac"))[::97]
    assert files
    for file in files:
        clip = torch.from_numpy(resample(*read_audio(file), 16_000))
        torch.testing.assert_close(features(clip)[0][0], speechbrain(clip), atol=1e-4, rtol=0)


def test_a_clip_is_the_same_alone_and_beside_longer_ones():
    # A click at its very end is loudest in a frame that only a longer batch has.
    click = 0.001 * speech("calm", 1.0)[:15_900]
    click[-1] = 1.0
    clips = [click, speech("happy", 3.0), speech("sad", 0.5)]
    together, lengths = features(*clips)
    assert lengths.tolist() == [1 + len(clip) // 160 for clip in clips]
    for row, length, clip in zip(together, lengths, clips, strict=True):
        alone, own = features(clip)
        assert own == length
        torch.testing.assert_close(row[:, :length], alone[0], atol=1e-5, rtol=0)
        assert not row[:, length:].any()
        assert row[:, :length].mean(dim=1).abs().max() < 1e-4


def test_what_lies_behind_a_clips_end_is_never_read():
    batch = torch.stack([speech(), torch.full((32_000,), torch.nan)])
    batch[1, :12_345] = 0.1
    found, lengths = MeanFreeFbank()(batch, torch.tensor([32_000, 12_345]))
    assert torch.isfinite(found).all() and not found[1, :, lengths[1] :].any()


@pytest.mark.parametrize("samples", [0, 1, 2, 159, 160, 399, 16_000])
def test_silence_of_any_length_is_zero(samples):
    found, lengths = features(torch.zeros(samples))
    assert found.shape == (1, 80, 1 + samples // 160) and lengths == found.shape[2]
    assert found.abs().max() < 1e-4


@pytest.mark.parametrize("samples", [1, 2, 161, 400])
def test_a_very_short_clip_is_finite(samples):
    assert torch.isfinite(features(speech()[:samples])[0]).all()


def test_an_empty_clip_beside_a_long_one():
    found, lengths = features(speech(), torch.zeros(0))
    assert lengths.tolist() == [201, 1]
    assert torch.isfinite(found).all() and not found[1].any()


def test_works_when_it_was_built_on_the_meta_device():
    with torch.device("meta"):
        built = MeanFreeFbank()
    built.load_state_dict(MeanFreeFbank().state_dict(), assign=True)
    clip = speech()
    torch.testing.assert_close(
        built(clip[None], torch.tensor([len(clip)]))[0], features(clip)[0], atol=0, rtol=0
    )


def test_works_on_a_gpu_before_and_after_it_has_moved_there():
    front_end = MeanFreeFbank()
    # Fake tensors have devices that this machine lacks, and refuse to mix them.
    with FakeTensorMode(allow_non_fake_inputs=True):
        clip = torch.empty(16_000, device="cuda")
        for moved in (front_end, front_end.to("cuda")):
            found = moved._analyse(clip)
            assert found.device.type == "cuda" and found.shape == (101, 80)


def test_sizes_can_be_had_back_from_its_description():
    front_end = build(MeanFreeFbank(8_000, n_mels=24, n_fft=512, window_ms=32, hop_ms=16).spec)
    found, lengths = front_end(torch.randn(1, 8_000), torch.tensor([8_000]))
    assert found.shape == (1, 24, 63) and lengths == 63
    assert front_end.shape == (24,) and front_end.sample_rate == 8_000


def test_has_a_buffer_that_tells_its_device():
    assert next(MeanFreeFbank().buffers()).device.type == "cpu"


@pytest.mark.parametrize(
    "wrong", [{"n_fft": 399}, {"n_mels": 0}, {"hop_ms": 0.01}, {"window_ms": 0}, {"sample_rate": 1}]
)
def test_refuses_sizes_that_make_no_frame(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("sample_rate", "window_ms")):
        MeanFreeFbank(**wrong)

import io
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from ser_lib.audio import inspect, read_audio, resample
from ser_lib.errors import AudioError

RATE = 8000


@pytest.fixture
def noise():
    return (np.random.default_rng(0).standard_normal(4000) * 0.1).astype(np.float32)


@pytest.fixture
def wav(tmp_path, noise):
    path = tmp_path / "Zoë's clip.wav"
    soundfile.write(path, noise, RATE, subtype="PCM_16")
    return path


def refused(source, *words):
    """Both readers refuse the source, in one line that names it."""
    for reader in (read_audio, inspect):
        with pytest.raises(AudioError) as caught:
            reader(source)
        message = str(caught.value)
        assert "\n" not in message
        for word in words:
            assert word in message


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aiff"])
def test_formats(tmp_path, suffix):
    seconds = np.arange(16000) / 16000
    tone = (0.5 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone, 16000)
    waveform, rate = read_audio(path)
    assert rate == 16000 and waveform.dtype == np.float32 and waveform.ndim == 1
    assert abs(len(waveform) - 16000) <= 2400
    peak = np.abs(np.fft.rfft(waveform[:16000], 16000)).argmax()
    assert abs(int(peak) - 440) <= 1


def test_path_bytes_and_file_object_give_the_same_samples(wav):
    by_path, _ = read_audio(wav)
    for source in (str(wav), wav.read_bytes(), io.BytesIO(wav.read_bytes()), wav.open("rb")):
        np.testing.assert_array_equal(read_audio(source)[0], by_path)


def test_stereo_is_averaged(tmp_path, noise):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([noise, -0.5 * noise], 1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path)[0], 0.25 * noise, atol=1e-7)
    assert inspect(path).channels == 2


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_stretch(tmp_path, noise, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise, RATE, subtype="PCM_16")
    whole, _ = read_audio(path)
    np.testing.assert_array_equal(read_audio(path, 0.1, 0.25)[0], whole[800:2000])
    np.testing.assert_array_equal(read_audio(path, start=0.4)[0], whole[3200:])
    np.testing.assert_array_equal(read_audio(path, end=0.5)[0], whole)


@pytest.mark.parametrize(
    ("start", "end"), [(-0.1, None), (0.3, 0.2), (0.2, 0.2), (0, 0.6), (9, 10)]
)
def test_stretch_outside_the_file(wav, start, end):
    with pytest.raises(AudioError, match="0.5 s of sound"):
        read_audio(wav, start, end)


def test_wav_and_flac_hash_alike_and_other_samples_do_not(tmp_path, wav, noise):
    flac, louder, slower = tmp_path / "a.flac", tmp_path / "b.wav", tmp_path / "c.wav"
    stored, _ = soundfile.read(wav, dtype="int16")
    soundfile.write(flac, stored, RATE, subtype="PCM_16")
    changed = stored.copy()
    changed[17] += 1
    soundfile.write(louder, changed, RATE, subtype="PCM_16")
    soundfile.write(slower, stored, RATE // 2, subtype="PCM_16")
    assert inspect(wav) == inspect(flac)
    assert len({inspect(path).sha256 for path in (wav, louder, slower)}) == 3


def test_float_wav_hash_sees_the_samples(tmp_path, noise):
    one, other = tmp_path / "1.wav", tmp_path / "2.wav"
    soundfile.write(one, noise, RATE, subtype="FLOAT")
    soundfile.write(other, noise[::-1].copy(), RATE, subtype="FLOAT")
    assert inspect(one).sha256 != inspect(other).sha256


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "nowhere.wav", "nowhere.wav", "no such file")
    refused(tmp_path, str(tmp_path), "folder")
    refused("", "empty")
    refused(tmp_path / ("x" * 300), "cannot be read", "too long")
    refused(tmp_path / "nowhere\0.wav", "no such file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_pipe_and_device(tmp_path, wav):
    os.mkfifo(tmp_path / "pipe.wav")
    # Without waiting for who writes to it.
    refused(tmp_path / "pipe.wav", "pipe.wav is a pipe", "reads a pipe as -")
    read, write = os.pipe()
    try:
        refused(f"/dev/fd/{read}", f"/dev/fd/{read} is a pipe")
    finally:
        os.close(read)
        os.close(write)
    refused(os.devnull, "is a device")
    # What the shell's `< clip.wav` makes is the file.
    with wav.open("rb") as stream:
        assert read_audio(f"/dev/fd/{stream.fileno()}")[1] == RATE


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.wav", "https://x.org/a.mp3", "s3://b/a.wav"])
def test_an_address_is_not_fetched_and_stays_whole(url, tmp_path, monkeypatch):
    refused(url, f"{url}: addresses are not fetched; download it")
    # A path that looks like one is a path.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir:").mkdir()
    soundfile.write(tmp_path / "dir:" / "a.wav", np.zeros(9), RATE)
    assert len(read_audio("dir://a.wav")[0]) == 9


@pytest.mark.parametrize("keep", [0.99, 0.5, 0.02, 0.007])
def test_truncated_wav(wav, keep):
    data = wav.read_bytes()
    wav.write_bytes(data[: round(len(data) * keep)])
    refused(wav, "clip.wav")
    if keep > 0.1:
        refused(wav, "truncated")


def test_truncated_rf64(tmp_path, noise):
    path = tmp_path / "long.rf64"
    soundfile.write(path, noise, RATE, format="RF64", subtype="PCM_16")
    assert len(read_audio(path)[0]) == len(noise)
    path.write_bytes(path.read_bytes()[:-1000])
    refused(path, "truncated")


@pytest.mark.parametrize("keep", [0.99, 0.5, 0.02])
def test_truncated_flac(tmp_path, noise, keep):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.tile(noise, 10), RATE)
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * keep)])
    refused(path, "a.flac")


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_wav_written_to_a_pipe(wav, size):
    data = wav.read_bytes()
    at = data.index(b"data") + 4
    whole, _ = read_audio(wav)
    riff = 36 if size == 0 else size
    streamed = data[:4] + struct.pack("<I", riff) + data[8:at] + struct.pack("<I", size)
    wav.write_bytes(streamed + data[at + 4 :])
    for source in (wav, wav.read_bytes()):
        np.testing.assert_array_equal(read_audio(source)[0], whole)


def test_flac_of_unknown_length(tmp_path, noise):
    path = tmp_path / "piped.flac"
    soundfile.write(path, noise, RATE)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    refused(path, "how long")


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_text_renamed(tmp_path, suffix):
    path = tmp_path / f"notes.{suffix}"
    path.write_text("These are my notes, not a recording.\n" * 50)
    refused(path, path.name, "not a sound file", "aiff can be read, so convert it")


def test_zero_bytes_and_zero_frames(tmp_path):
    path = tmp_path / "nothing.wav"
    path.touch()
    refused(path, "nothing.wav", "empty")
    refused(b"", "empty")
    soundfile.write(path, np.zeros(0), RATE)
    refused(path, "nothing.wav", "no samples")


def test_empty_sound_chunk_before_tags_is_not_read_as_sound(tmp_path):
    path = tmp_path / "tags.wav"
    soundfile.write(path, np.zeros(0), RATE)
    data = path.read_bytes() + b"LIST" + struct.pack("<I", 100) + bytes(range(100))
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    refused(path, "no samples")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, noise, value):
    path = tmp_path / "odd.wav"
    noise[100] = value
    soundfile.write(path, noise, RATE, subtype="FLOAT")
    refused(path, "odd.wav", "NaN or infinite")


def test_headerless_and_unsuitable_sources(tmp_path, wav):
    raw = tmp_path / "a.raw"
    raw.write_bytes(bytes(100))
    refused(raw, "no header")
    refused(7, "int")
    with wav.open(encoding="latin-1") as text:
        refused(text, "'rb'")


@pytest.mark.parametrize(("orig", "new"), [(48000, 16000), (16000, 22050), (24414, 16000)])
def test_resample_keeps_a_tone(orig, new):
    seconds = np.arange(orig) / orig
    tone = np.sin(2 * np.pi * 440 * seconds).astype(np.float32)
    stacked = np.stack([tone, -tone])
    out = resample(stacked, orig, new)
    assert out.dtype == np.float32 and out.shape == (2, new)
    wanted = np.sin(2 * np.pi * 440 * np.arange(new) / new)
    inner = slice(new // 10, -new // 10)
    np.testing.assert_allclose(out[0, inner], wanted[inner], atol=5e-3)
    np.testing.assert_allclose(out[1], -out[0], atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 2, 3999])
@pytest.mark.parametrize(
    ("orig", "new"), [(48000, 22050), (44100, 48000), (48000, 16000), (8000, 48000), (768000, 1000)]
)
def test_resample_is_what_stock_pipelines_do(noise, samples, orig, new):
    from torchaudio.functional import resample as stock

    clips = np.stack([noise[:samples], -noise[:samples]])
    found = resample(clips, orig, new)
    assert found.shape == (2, -(-samples * new // orig)) and found.dtype == np.float32
    if samples:
        wanted = stock(torch.from_numpy(clips), orig, new).numpy()
        # Theirs computes its filters in float32.
        np.testing.assert_allclose(found, wanted, atol=5e-6)


def test_resample_identity_and_bad_rates(noise):
    assert resample(noise, RATE, RATE) is noise
    for rate in (0, -8000, 8000.5):
        with pytest.raises(AudioError, match="Hz"):
            resample(noise, rate, 16000)


def test_importing_audio_does_not_import_torch():
    code = "import sys, ser_lib.audio; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

"""Sounds that are small on the disk and large in memory, or no sound that anybody recorded."""

import contextlib
import io
import struct

import numpy as np
import pytest
import soundfile

from ser_lib import audio, load
from ser_lib.audio import inspect, read_audio, read_blocks
from ser_lib.errors import AudioError
from ser_lib.hub.sound import to_waveform
from ser_lib.use.predict import main


def encoded(samples, rate, subtype="PCM_16", container="WAV"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=container)
    return file.getvalue()


def refused(source, match):
    for read in (read_audio, inspect, lambda s: list(read_blocks(s, 30.0))):
        with pytest.raises(AudioError, match=match) as caught:
            read(source)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2_000_000_000])
def test_rates_of_no_recorder(rate):
    refused(encoded(np.zeros(4000), rate), "has a rate of")
    with pytest.raises(AudioError, match="no rate of speech"):
        to_waveform((np.zeros(10**7, dtype=np.float32), rate), 16_000)


@pytest.mark.parametrize("rate", [float("inf"), float("nan"), 0, -1, 8000.5, "8000", None])
def test_rates_of_arrays(rate):
    with pytest.raises(AudioError):
        to_waveform((np.zeros(8000), rate), 16_000)


def test_a_flac_of_hours_is_refused_before_it_is_decoded(monkeypatch):
    """Three hours of silence are 180 kB; with a lower limit, so are half a minute's."""
    monkeypatch.setattr(audio, "_MOST_SAMPLES", 100_000)
    refused(encoded(np.zeros(160_000), 8000, "PCM_16", "FLAC"), "too much at once")
    refused(encoded(np.zeros((20_000, 8)), 8000, "PCM_16", "FLAC"), "too much at once")


@pytest.mark.parametrize("name", ["flac-that-promises-99-days.flac", "au-of-4-gigabytes.au"])
def test_what_a_header_promises_is_not_allocated(repository, name):
    import tracemalloc

    data = (repository / "tests" / "hostile" / "found" / "logits" / name).read_bytes()
    tracemalloc.start()
    refused(data, "too much|truncated|does not say|not a sound|no samples")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def test_samples_far_over_full_scale():
    for level in (1e20, -3e38):
        sound = encoded(np.full(4000, level, dtype=np.float32), 8000, "FLOAT")
        with pytest.raises(AudioError, match="over full scale"):
            read_audio(sound)
    loud = encoded(np.full(4000, 32767.0, dtype=np.float32), 8000, "FLOAT")
    assert read_audio(loud)[0].max() == 32767.0


def test_millions_of_empty_chunks():
    data = b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + b"junk\0\0\0\0" * 2_000_000
    refused(data, "ends inside the header")


@pytest.mark.parametrize(
    "stretch", [(float("nan"), None), (0.0, float("inf")), (-1.0, 1.0), (2, 1)]
)
def test_stretches_that_are_none(stretch):
    with pytest.raises(AudioError, match="stretch"):
        read_audio(encoded(np.zeros(8000), 8000), *stretch)


@pytest.mark.parametrize(
    "array", [[[1.0, 2.0], [3.0]], ["a", "b"], [None] * 500, np.zeros((4, 4, 4)), {"raw": [{}]}]
)
def test_arrays_that_are_no_sound(array):
    with pytest.raises(AudioError):
        to_waveform(
            array if isinstance(array, dict) else {"array": array, "sampling_rate": 8000}, 8000
        )


def test_an_array_so_loud_that_there_is_no_answer(model_folder):
    classify = load(model_folder, device="cpu")
    with pytest.raises(AudioError, match="no finite answer"):
        classify((np.full(4000, 1e38, dtype=np.float32), 8000))


def test_one_clip_without_an_answer_does_not_spoil_the_others(
    model_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(audio, "_LOUDEST", float("inf"))
    soundfile.write(tmp_path / "a.wav", np.full(4000, 3e38), 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", np.full(4000, 0.1), 8000)
    assert main([str(model_folder), str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]) == 3
    told = capsys.readouterr()
    assert "b.wav" in told.out and "a.wav" not in told.out
    assert "no finite answer" in told.err


def test_no_cffi_callback_complains(capfd, repository):
    for path in (repository / "tests" / "hostile" / "found" / "logits").iterdir():
        with contextlib.suppress(AudioError):
            read_audio(path.read_bytes())
    assert "Traceback" not in capfd.readouterr().err

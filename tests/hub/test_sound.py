import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from ser_lib.errors import AudioError
from ser_lib.hub.sound import mono, to_waveform

TONE = (0.5 * np.sin(2 * np.pi * 200 * np.arange(4000) / 8000)).astype(np.float32)


@pytest.mark.parametrize(
    "array",
    [
        TONE,
        TONE.tolist(),
        TONE.astype(np.float64),
        torch.from_numpy(TONE).requires_grad_(),
        np.stack([TONE, TONE]),
        np.stack([TONE, TONE], axis=1),
        TONE[None],
        TONE[:, None],
        np.stack([2 * TONE, 0 * TONE], axis=1),
    ],
)
def test_floats_of_any_layout(array):
    waveform = to_waveform((array, 8000), 8000)
    assert waveform.dtype == np.float32 and waveform.flags.c_contiguous
    np.testing.assert_allclose(waveform, TONE, atol=1e-7)


def test_bfloat16_tensor():
    assert mono(torch.from_numpy(TONE).bfloat16()) == pytest.approx(TONE, abs=2e-3)


@pytest.mark.parametrize(
    "dtype, full, rest", [("int16", 2**15, 0), ("int32", 2**31, 0), ("uint8", 2**7, 2**7)]
)
def test_integer_pcm_is_scaled(dtype, full, rest):
    pcm = np.round(TONE.astype(np.float64) * full + rest).astype(dtype)
    for array in (pcm, torch.from_numpy(pcm), np.stack([pcm, pcm])):
        np.testing.assert_allclose(mono(array), TONE, atol=0.51 / full + 1e-7)


@pytest.mark.parametrize("rate", [16_000, 16_000.0, np.int64(16_000), np.float32(16_000)])
def test_any_rate_is_resampled(rate):
    time = np.arange(8000) / 16_000
    twice = (0.5 * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    waveform = to_waveform((twice, rate), 8000)
    assert waveform.shape == (4000,)
    np.testing.assert_allclose(waveform[100:-100], TONE[100:-100], atol=2e-3)


@pytest.mark.parametrize("key", ["raw", "array"])
def test_dicts_of_arrays(key):
    np.testing.assert_array_equal(to_waveform({key: TONE, "sampling_rate": 8000}, 8000), TONE)
    source = {key: TONE, "path": "/not/read.wav", "sampling_rate": 8000}
    np.testing.assert_array_equal(to_waveform(source, 8000), TONE)
    np.testing.assert_array_equal(to_waveform({key: TONE}, 8000, sampling_rate=8000), TONE)
    # A dataset in the format of arrays or tensors gives its rates as such, too.
    for rate in (np.array(8000), torch.tensor(8000)):
        np.testing.assert_array_equal(to_waveform({key: TONE, "sampling_rate": rate}, 8000), TONE)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_files_bytes_and_file_objects(tmp_path, kind):
    path = tmp_path / f"tön.{kind}"
    soundfile.write(path, np.stack([TONE, TONE], axis=1), 8000)
    data = path.read_bytes()
    with path.open("rb") as opened:
        sources = [str(path), path, data, bytearray(data), io.BytesIO(data), opened]
        sources += [{"path": str(path), "bytes": None}, {"path": "gone.wav", "bytes": data}]
        waveforms = [to_waveform(source, 8000, sampling_rate=44_100) for source in sources]
    for waveform in waveforms:
        assert len(waveform) == pytest.approx(4000, abs=1200 if kind == "mp3" else 0)
        np.testing.assert_array_equal(waveform, waveforms[0])
    if kind in ("wav", "flac"):
        np.testing.assert_allclose(waveforms[0], TONE, atol=2**-15)


def test_what_a_column_of_datasets_decodes():
    samples = SimpleNamespace(data=torch.from_numpy(np.stack([TONE, TONE])), sample_rate=8000)
    decoder = SimpleNamespace(get_all_samples=lambda: samples)
    np.testing.assert_allclose(to_waveform(decoder, 8000), TONE, atol=1e-7)


def test_manifest_rows_give_a_stretch(tmp_path):
    soundfile.write(tmp_path / "a.wav", TONE, 8000, subtype="FLOAT")
    row = {"path": str(tmp_path / "a.wav"), "start": 0.1, "end": 0.3, "emotion": "sad"}
    np.testing.assert_array_equal(to_waveform(row, 8000), TONE[800:2400])


@pytest.mark.parametrize(
    "source, word",
    [
        (TONE, "sampling_rate"),
        ({"array": TONE}, "sampling_rate"),
        ((TONE, 0), "positive"),
        ((TONE, -8000), "positive"),
        ((TONE, 8000.5), "positive"),
        ((TONE, "8000"), "positive"),
        ((TONE, float("nan")), "positive"),
        ((np.zeros(0, np.float32), 8000), "no samples"),
        ((np.zeros((0, 2), np.float32), 8000), "no samples"),
        ((TONE[:199], 8000), "too short"),
        ((np.where(TONE > 0.4, np.nan, TONE), 8000), "NaN"),
        ((np.where(TONE > 0.4, np.inf, TONE), 8000), "infinite"),
        ((TONE.reshape(2, 20, 100), 8000), "shape"),
        ((np.float32(1), 8000), "shape"),
        ((TONE.reshape(40, 100), 8000), "channels"),
        ((TONE[:3600].reshape(60, 60), 8000), "channels"),
        ((TONE > 0, 8000), "bool"),
        ((np.arange(4000), 8000), "int64"),
        ((TONE.astype(complex), 8000), "complex"),
        ((["a", "b"], 8000), "known full scale"),
        ("/no/such.wav", "no such file"),
        (b"", "empty"),
        (b"this is no sound at all", "not a sound file"),
        (3.5, "float"),
        (None, "NoneType"),
        ({"text": "hello"}, "text"),
        ({"path": None, "bytes": None}, "not sound"),
        ((TONE, 8000, 1), "tuple"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_line(source, word):
    with pytest.raises(AudioError, match=word) as caught:
        to_waveform(source, 8000)
    assert "\n" not in str(caught.value)

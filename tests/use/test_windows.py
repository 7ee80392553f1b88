import io

import numpy as np
import pytest
import soundfile
import torch
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

import ser_lib
from ser_lib.errors import AudioError, ModelFolderError
from ser_lib.use import windows
from ser_lib.use.batches import labels, mixes_lengths, probabilities
from ser_lib.use.windows import timeline

RATE = 8000


def scores(answer, names):
    by_label = {one["label"]: one["score"] for one in answer}
    return np.array([by_label[name] for name in names])


def test_a_window_answers_as_its_stretch_does_alone(classify, noise):
    sound = noise(7.4)
    found = timeline(classify, (sound, RATE), window=3.0, hop=1.0, batch_size=2)
    np.testing.assert_allclose(found.starts, [0, 1, 2, 3, 4, 4.4])
    np.testing.assert_allclose(found.ends, [3, 4, 5, 6, 7, 7.4])
    assert found.labels == ["angry", "happy", "sad"]
    for start, end, row in zip(found.starts, found.ends, found.probabilities, strict=True):
        alone = classify((sound[round(start * RATE) : round(end * RATE)], RATE))
        np.testing.assert_allclose(row, scores(alone, found.labels), atol=1e-6)
    assert np.ptp(found.probabilities, axis=0).max() > 1e-3
    assert found.seconds == pytest.approx(7.4)
    assert found.best == [found.labels[i] for i in found.probabilities.argmax(axis=1)]


@pytest.mark.parametrize("seconds", [0.03, 1.0, 2.9, 3.0])
def test_no_longer_than_a_window_is_one_row(classify, noise, seconds):
    sound = noise(seconds)
    found = timeline(classify, (sound, RATE))
    assert (found.starts, found.ends) == ([0], [pytest.approx(seconds)])
    np.testing.assert_allclose(
        found.probabilities[0], scores(classify((sound, RATE)), found.labels), atol=1e-6
    )
    np.testing.assert_allclose(found.whole, found.probabilities[0])


@pytest.mark.parametrize("seconds", [3.01, 4.0, 5.999, 6.0, 6.37, 11.0])
@pytest.mark.parametrize(("window", "hop"), [(3.0, 1.0), (1.5, 0.7), (2.0, 2.0)])
@pytest.mark.parametrize("block", [0.1, 1.0, 2.0, 30.0])
def test_blocks_do_not_matter_and_all_is_covered(noise, tmp_path, seconds, window, hop, block):
    sound = noise(seconds)
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    cut = windows._windows(ser_lib.audio.read_blocks(tmp_path / "a.wav", block), window, hop)
    ends = [0.0]
    for count, (start, end, (samples, rate)) in enumerate(cut):
        assert rate == RATE and start <= ends[-1] and end > ends[-1]
        first = round(start * RATE)
        np.testing.assert_array_equal(samples, sound[first : first + round(window * RATE)])
        if end < len(sound) / RATE:
            assert first == round(count * hop * RATE)
        ends.append(end)
    assert ends[-1] == len(sound) / RATE


def test_files_bytes_and_streams_of_any_rate(classify, noise, tmp_path):
    stereo = np.stack([noise(8), noise(8, seed=1)], axis=1)
    path = tmp_path / "a.flac"
    soundfile.write(path, stereo, 11_025)
    found = timeline(classify, path)
    for source in (str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(timeline(classify, source).probabilities, found.probabilities)
    samples = soundfile.read(path, dtype="float32")[0][11_025 : 4 * 11_025]
    alone = scores(classify((samples, 11_025)), found.labels)
    np.testing.assert_allclose(found.probabilities[1], alone, atol=1e-6)


def test_the_whole_is_the_mean_weighted_by_seconds():
    shares = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = windows.Timeline(["a", "b"], np.array([0.0, 2.0]), np.array([3.0, 3.0]), shares)
    np.testing.assert_allclose(found.whole, [0.75, 0.25])


def test_a_fault_late_in_a_file_is_found(classify, noise, tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "_BLOCK", 2.0)
    sound = noise(9)
    sound[-10] = np.nan
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN"):
        timeline(classify, tmp_path / "a.wav")
    soundfile.write(tmp_path / "b.flac", noise(9), RATE)
    whole = (tmp_path / "b.flac").read_bytes()
    (tmp_path / "b.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match="truncated"):
        timeline(classify, tmp_path / "b.flac")


def test_what_is_held_does_not_grow_with_the_recording(classify, monkeypatch):
    held = []

    def blocks(*_):
        for _ in range(400):
            yield np.zeros(RATE, dtype=np.float32), RATE

    def answer(classify, inputs, size):
        held.extend(len(one) for one in inputs)
        return np.zeros((len(held), 3))

    monkeypatch.setattr(windows, "read_blocks", blocks)
    monkeypatch.setattr(windows, "batched", answer)
    monkeypatch.setattr(classify, "preprocess", lambda stretch: stretch[0].base)
    found = timeline(classify, "an hour.wav")
    assert len(found.starts) == 398
    assert max(held) <= 5 * RATE


@pytest.mark.parametrize(
    "options", [{"window": 0.01}, {"window": float("nan")}, {"hop": 0}, {"hop": 4}, {"hop": -1}]
)
def test_windows_without_sense(classify, noise, options):
    with pytest.raises(ValueError, match="window is|hop is"):
        timeline(classify, (noise(1), RATE), **options)
    with pytest.raises(ValueError, match="batch_size"):
        timeline(classify, (noise(1), RATE), batch_size=0)


@pytest.mark.parametrize("sound", ["/no/such.wav", (np.zeros(10, "f4"), RATE), b"", 3.5])
def test_no_sound(classify, sound):
    with pytest.raises(AudioError):
        timeline(classify, sound)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize(
    ("family", "mixes"),
    [
        ("wav2vec2", True),
        ("wavlm", True),
        ("hubert-batch-norm", False),
        ("data2vec-audio", False),
    ],
)
def test_a_clip_in_a_batch_answers_as_alone_in_models_of_transformers(
    tiny_encoder, tmp_path, noise, family, mixes, norm
):
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

    source = tiny_encoder(family)
    config = AutoConfig.from_pretrained(source, num_labels=3, feat_extract_norm=norm)
    torch.manual_seed(0)
    network = AutoModelForAudioClassification.from_config(config)
    with torch.no_grad():
        for parameter in network.parameters():
            # Away from the layers' neutral beginnings, which hide what padding does.
            parameter.add_(0.05 * torch.randn_like(parameter))
    network.save_pretrained(tmp_path)
    extractor = AutoFeatureExtractor.from_pretrained(source)
    extractor.return_attention_mask = True
    extractor.save_pretrained(tmp_path)
    other = ser_lib.load(tmp_path, device="cpu")
    clips = [(noise(seconds), RATE) for seconds in (0.4, 1.1, 0.4, 0.7)]
    inputs = [other.preprocess(clip) for clip in clips]
    alone = [scores(other(clip), labels(other)) for clip in clips]
    np.testing.assert_allclose(probabilities(other, inputs), alone, atol=1e-5)
    assert mixes_lengths(other) == (mixes and norm == "layer")


def test_numbers_are_no_emotions(tiny_encoder, tmp_path, noise):
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(
        tiny_encoder("wav2vec2"), num_labels=3, problem_type="regression"
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ModelFolderError, match="numbers"):
        timeline(ser_lib.load(tmp_path, device="cpu"), (noise(1), RATE))

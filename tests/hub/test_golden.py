"""The golden sound: a folder that answers otherwise than when it was saved is refused."""

import json

import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from ser_lib import load
from ser_lib.errors import ModelFolderError
from ser_lib.hub.golden import ANSWER, SOUND
from ser_lib.hub.saving import save_model
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.pretrained.encoder import encoder_head, speech_encoder

LABELS = ["calm", "angry", "sad"]


@pytest.fixture
def folder(tiny_encoder, tmp_path):
    """A native model whose head is far from neutral."""
    torch.manual_seed(0)
    front_end = speech_encoder(tiny_encoder("hubert"))
    head = encoder_head(3, front_end)
    with torch.no_grad():
        head.classifier.weight.mul_(20)
    return save_model(WaveformClassifier(front_end, None, head), tmp_path / "model", LABELS, {})


def test_a_sound_folder_loads(folder):
    samples, rate = soundfile.read(folder / SOUND)
    assert rate == 16_000 and 1.5 < len(samples) / rate <= 2
    assert len(json.loads((folder / ANSWER).read_text())["logits"]) == 3
    load(folder)


def test_a_head_that_was_initialised_anew_is_refused(folder):
    weights = load_file(folder / "model.safetensors")
    torch.manual_seed(9)
    weights["classifier.weight"] = torch.randn_like(weights["classifier.weight"])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelFolderError, match="answers otherwise than when it was saved") as e:
        load(folder)
    assert "\n" not in str(e.value)


def test_a_front_end_that_has_changed_is_refused(folder):
    path = folder / "config.json"
    values = json.loads(path.read_text())
    assert values["feat_extract_activation"] == "gelu"
    path.write_text(json.dumps({**values, "feat_extract_activation": "relu", "hidden_act": "relu"}))
    with pytest.raises(ModelFolderError, match="answers otherwise"):
        load(folder)


def test_a_folder_of_another_library_needs_none(folder):
    (folder / ANSWER).unlink()
    load(folder)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("nonsense", "cannot be checked"),
        ('{"logits": "x"}', "cannot be checked"),
        ('{"logits": [1.0, 2.0]}', "holds 2 logits, the model gives 3"),
        ('{"logits": [NaN, 1.0, 2.0]}', "answers otherwise"),
    ],
)
def test_a_spoilt_answer_is_refused(folder, content, match):
    (folder / ANSWER).write_text(content)
    with pytest.raises(ModelFolderError, match=match):
        load(folder)


def test_a_spoilt_sound_is_refused(folder):
    (folder / SOUND).write_bytes(b"no sound")
    with pytest.raises(ModelFolderError, match="cannot be checked"):
        load(folder)


def test_a_model_that_takes_too_long_is_refused(folder, monkeypatch):
    monkeypatch.setattr("ser_lib.hub.golden._MOST_OPERATIONS", 10)
    with pytest.raises(ModelFolderError, match="takes too long over a second"):
        load(folder)

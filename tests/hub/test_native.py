"""Speech encoders with plain heads as models of Transformers' own classes."""

import json

import pytest
import torch
import transformers
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from ser_lib import load
from ser_lib.errors import ModelFolderError, RunError
from ser_lib.hub import native
from ser_lib.hub.saving import save_model
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.pretrained.encoder import encoder_head, speech_encoder
from ser_lib.training.feature_cache import cache_key

LABELS = ["calm", "angry", "sad"]
CLIP = 0.1 * torch.randn(12_345, generator=torch.Generator().manual_seed(3))


def network(folder, activation="none", pooling="mean", **options):
    torch.manual_seed(0)
    front_end = speech_encoder(folder, **options)
    head = encoder_head(3, front_end, pooling=pooling, hidden=16, activation=activation)
    with torch.no_grad():
        head.layer_weights.add_(torch.randn(len(head.layer_weights)))
    return WaveformClassifier(front_end, None, head).eval()


@pytest.mark.parametrize("options", [{}, {"layers": "last"}, {"pooled": False}])
@pytest.mark.parametrize("name", [*native.FAMILIES, "wav2vec2-large", "wavlm-large"])
@torch.no_grad()
def test_anybodys_transformers_gives_the_same_answer(name, options, tiny_encoder, tmp_path):
    model = network(tiny_encoder(name), **options)
    assert native.fits(model)
    folder = save_model(model, tmp_path / "model", LABELS, {"corpora": ["RAVDESS"]})
    assert not list(folder.glob("*.py"))
    assert "auto_map" not in (folder / "config.json").read_text()
    theirs, info = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert type(theirs).__module__.startswith("transformers.")
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    made = extractor(CLIP.numpy(), sampling_rate=16_000, return_tensors="pt")
    torch.testing.assert_close(theirs(**made).logits, model(CLIP[None]), atol=1e-4, rtol=1e-4)
    assert theirs.config.provenance["corpora"] == ["RAVDESS"]
    assert theirs.config.id2label == dict(enumerate(LABELS))


@pytest.mark.parametrize("options", [{}, {"layers": "last", "pooled": False}])
@pytest.mark.parametrize("name", native.FAMILIES)
@torch.no_grad()
def test_the_network_comes_back(name, options, tiny_encoder, tmp_path):
    model = network(tiny_encoder(name), **options)
    folder = save_model(model, tmp_path / "model", LABELS, {})
    again, labels = native.read_network(folder)
    again.eval()
    assert labels == LABELS
    assert again.spec["front_end"] == model.spec["front_end"]
    # So that what was kept of a corpus is found again.
    assert cache_key(again, []) == cache_key(model, [])
    torch.testing.assert_close(again(CLIP[None]), model(CLIP[None]), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_class_that_training_lacked_has_no_probability_there_either(tiny_encoder, tmp_path):
    model = network(tiny_encoder("hubert"))
    model.absent, model.temperature = [1], 2.0
    folder = save_model(model, tmp_path / "model", LABELS, {})
    told = {
        entry["label"]: entry["score"] for entry in load(folder)(CLIP.numpy(), sampling_rate=16_000)
    }
    wanted = dict(zip(LABELS, model(CLIP[None]).softmax(dim=1)[0].tolist(), strict=True))
    assert told["angry"] == 0 and told == pytest.approx(wanted, abs=1e-5)
    again, _ = native.read_network(folder)
    assert again.absent == [1]
    torch.testing.assert_close(again.eval()(CLIP[None]), model(CLIP[None]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [("whisper", {}), ("hubert", {"activation": "relu"})]
    + [("hubert", {"pooling": "attentive", "pooled": False})],
)
@torch.no_grad()
def test_what_no_class_of_theirs_computes_is_one_of_ours(name, options, tiny_encoder, tmp_path):
    model = network(tiny_encoder(name), **options)
    assert not native.fits(model)
    folder = save_model(model, tmp_path / "model", LABELS, {})
    assert json.loads((folder / "config.json").read_text())["model_type"] == "ser_lib"
    again, labels = native.read_network(folder)
    torch.testing.assert_close(again.eval()(CLIP[None]), model(CLIP[None]), atol=1e-6, rtol=1e-5)
    assert labels == LABELS


def test_a_class_that_answers_otherwise_is_not_saved(tiny_encoder, tmp_path, monkeypatch):
    model = network(tiny_encoder("hubert"))
    monkeypatch.setattr(model, "forward", lambda waveforms: torch.tensor([[9.0, 0.0, 0.0]]))
    with pytest.raises(RunError, match="HubertForSequenceClassification answers otherwise"):
        save_model(model, tmp_path / "model", LABELS, {})
    assert not (tmp_path / "model").exists()


def test_a_model_that_was_not_trained_here_is_refused(tmp_path):
    config = transformers.ASTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    transformers.ASTForAudioClassification(config).save_pretrained(tmp_path)
    transformers.ASTFeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ModelFolderError, match="'audio-spectrogram-transformer' models are not"):
        native.read_network(tmp_path)


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-bert"])
def test_the_shortest_clip_that_is_taken_gets_an_answer(name, tiny_encoder, tmp_path):
    model = network(tiny_encoder(name))
    classify = load(save_model(model, tmp_path / "model", LABELS, {}))
    answer = classify({"raw": CLIP[:400].numpy(), "sampling_rate": 16_000})
    assert sum(entry["score"] for entry in answer) == pytest.approx(1, abs=1e-5)

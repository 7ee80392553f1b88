import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForAudioClassification

from ser_lib.errors import ModelFolderError
from ser_lib.hub.configuration import SERConfig
from ser_lib.hub.modeling import SERForAudioClassification


@pytest.mark.parametrize(
    "how", [{}, {"dtype": "auto"}, {"dtype": torch.float32}, {"low_cpu_mem_usage": True}]
)
def test_every_number_comes_back_bit_for_bit(network, model_folder, how):
    model = SERForAudioClassification.from_pretrained(model_folder, **how)
    saved, loaded = network.state_dict(), model.network.state_dict()
    assert saved.keys() == loaded.keys()
    for name in saved:
        assert loaded[name].dtype == saved[name].dtype, name
        assert torch.equal(loaded[name], saved[name]), name
    assert {
        "front_end.window",
        "front_end.filters",
        "scaler.scale",
        "classifier.cnn.0.1.num_batches_tracked",
    } <= saved.keys()
    waveforms = torch.randn(3, 2500)
    with torch.no_grad():
        assert torch.equal(model(waveforms).logits, network(waveforms))


def test_device_map_of_accelerate(network, model_folder):
    model = SERForAudioClassification.from_pretrained(model_folder, device_map="cpu")
    waveforms = torch.randn(2, 2500)
    with torch.no_grad():
        assert torch.equal(model(waveforms).logits, network(waveforms))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, "float64"])
def test_other_precision_is_declined(network, model_folder, dtype):
    model = AutoModelForAudioClassification.from_pretrained(model_folder, dtype=dtype)
    waveforms = torch.randn(2, 2500)
    assert model.half().bfloat16().double().dtype == torch.float32
    kind = torch.float16
    assert model.to(kind).to("cpu", kind).to(device="cpu", dtype=kind).dtype == torch.float32
    with torch.no_grad():
        assert torch.equal(model(waveforms).logits, network(waveforms))


def test_attention_mask_gives_the_lengths(network, model_folder):
    model = SERForAudioClassification.from_pretrained(model_folder)
    waveforms, mask = torch.randn(2, 2400), torch.ones(2, 2400, dtype=torch.int32)
    mask[0, 1000:] = 0
    with torch.no_grad():
        masked = model(waveforms, attention_mask=mask).logits
        alone = model(waveforms[:1, :1000]).logits
        assert torch.equal(masked, network(waveforms, torch.tensor([1000, 2400])))
        assert not torch.allclose(masked[:1], model(waveforms[:1]).logits, atol=1e-5)
    torch.testing.assert_close(masked[:1], alone, atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="padding_side='right'"):
        model(waveforms, attention_mask=mask.flip(1))


def test_labels_give_the_cross_entropy(model_folder):
    model = SERForAudioClassification.from_pretrained(model_folder)
    waveforms, labels = torch.randn(4, 2500), torch.tensor([0, 1, 2, 2])
    output = model(waveforms, labels=labels)
    chosen = output.logits.log_softmax(-1)[torch.arange(4), labels]
    torch.testing.assert_close(output.loss, -chosen.mean())
    output.loss.backward()
    assert model.network.classifier.output.weight.grad.abs().sum() > 0
    loss, logits = model(waveforms, labels=labels, return_dict=False)
    assert torch.equal(logits, output.logits) and torch.equal(loss, output.loss)
    assert len(model(waveforms, return_dict=False)) == 1
    assert torch.equal(model(waveforms, labels=labels[:, None]).loss, output.loss)


def test_new_model_keeps_its_blocks_own_initialisation(network):
    torch.manual_seed(5)
    model = SERForAudioClassification(SERConfig(system=network.spec, num_labels=3))
    torch.manual_seed(5)
    plain = type(network).from_spec(network.spec)
    for name, value in plain.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], value), name


def test_config_survives_json(model_folder, network, tmp_path):
    config = SERConfig.from_pretrained(model_folder)
    assert config.system == network.spec
    assert config.id2label == {0: "angry", 1: "happy", 2: "sad"}
    assert config.label2id == {"angry": 0, "happy": 1, "sad": 2}
    assert config.sampling_rate == 8000
    assert config.provenance == {"corpora": ["RAVDESS-synthetic"], "fold": 1}
    config.save_pretrained(tmp_path)
    assert SERConfig.from_pretrained(tmp_path).to_dict() == config.to_dict()


def test_model_without_parameters_has_device_and_dtype(network):
    model = SERForAudioClassification(SERConfig(system=network.spec, num_labels=3))
    model.network = nn.BatchNorm1d(3, affine=False)
    assert model.device == torch.device("cpu") and model.dtype == torch.float32


def broken(model_folder, tmp_path, change):
    """Copy of the folder's config with changed weights."""
    weights = load_file(model_folder / "model.safetensors")
    change(weights)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((model_folder / "config.json").read_text())
    return tmp_path


HEAD = "network.classifier.output.weight"


@pytest.mark.parametrize(
    "change, word",
    [
        (lambda weights: weights.pop(HEAD), "missing"),
        (lambda weights: weights.pop("network.front_end.filters"), "missing"),
        (lambda weights: weights.update(projector=torch.ones(2)), "unknown"),
    ],
)
def test_stock_loading_refuses_a_misfit(model_folder, tmp_path, change, word):
    folder = broken(model_folder, tmp_path, change)
    with pytest.raises(ModelFolderError, match=word):
        AutoModelForAudioClassification.from_pretrained(folder)


def test_loading_info_is_still_to_be_had(model_folder):
    model, info = SERForAudioClassification.from_pretrained(model_folder, output_loading_info=True)
    assert isinstance(model, SERForAudioClassification) and not info["missing_keys"]


def test_pickled_weights_are_not_loaded(network, model_folder, tmp_path):
    (tmp_path / "config.json").write_text((model_folder / "config.json").read_text())
    model = SERForAudioClassification.from_pretrained(model_folder)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        SERForAudioClassification.from_pretrained(tmp_path)


def test_config_without_a_system_is_refused():
    with pytest.raises(ModelFolderError, match="system"):
        SERForAudioClassification(SERConfig())


@pytest.mark.parametrize("how", [{"num_labels": 2}, {"id2label": {0: "low", 1: "high"}}])
@pytest.mark.parametrize("auto", [AutoModelForAudioClassification, SERForAudioClassification])
def test_a_last_layer_for_other_classes_can_be_had(network, model_folder, tmp_path, auto, how):
    with pytest.raises(ModelFolderError, match="names 2 classes"):
        auto.from_pretrained(model_folder, **how)
    model = auto.from_pretrained(model_folder, ignore_mismatched_sizes=True, **how).eval()
    assert model.network.temperature == 1 and model.config.num_labels == 2
    # What the split of the old weights promises says nothing of what is trained from them.
    assert list(model.config.provenance) == ["from"]
    assert model.config.provenance["from"]["corpora"] == ["RAVDESS-synthetic"]
    waveforms = torch.randn(3, 2500)
    with torch.no_grad():
        logits = model(waveforms).logits
    assert logits.shape == (3, 2) and torch.isfinite(logits).all()
    saved, found = network.state_dict(), model.network.state_dict()
    other = [name for name in saved if not torch.equal(saved[name], found[name])]
    assert {found[name].shape[0] for name in other} == {2} and 1 <= len(other) <= 2
    model.save_pretrained(tmp_path)
    again = auto.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.equal(again(waveforms).logits, logits)


def test_sizes_that_nobody_asked_to_change_are_refused_all_the_same(model_folder, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    values = json.loads((folder / "config.json").read_text())
    values["system"]["classifier"]["d_feedforward"] *= 2
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match="of another shape"):
        SERForAudioClassification.from_pretrained(folder, ignore_mismatched_sizes=True)


def test_source_that_is_not_saved_beside_it_is_not_named(model_folder, tmp_path):
    model = SERForAudioClassification.from_pretrained(model_folder)
    assert model.config.auto_map
    model.save_pretrained(tmp_path)
    assert "auto_map" not in json.loads((tmp_path / "config.json").read_text())
    assert model.config.auto_map
    again = SERForAudioClassification.from_pretrained(tmp_path)
    waveforms = torch.randn(2, 2500)
    with torch.no_grad():
        assert torch.equal(again(waveforms).logits, model(waveforms).logits)

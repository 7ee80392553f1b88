"""Speech encoders from checkpoints: which weights, which of them are trained."""

import collections
import json
import os

import pytest
import torch

from ser_lib.errors import HparamsError, ModelFolderError
from ser_lib.features.encoder_families import FAMILIES
from ser_lib.pretrained.encoder import encoder_head, speech_encoder


def trained(front_end):
    return {name for name, weight in front_end.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_weights_are_those_of_the_checkpoint(name, tiny_encoder):
    from safetensors.torch import load_file

    front_end = speech_encoder(tiny_encoder(name))
    theirs = load_file(tiny_encoder(name) / "model.safetensors")
    prefix = "encoder." if name == "whisper" else ""
    ours = {prefix + key: value for key, value in front_end.encoder.state_dict().items()}
    same = [key for key in ours if key in theirs and torch.equal(ours[key], theirs[key])]
    # Weight norm has other names in files.
    assert set(ours) - set(same) <= {key for key in ours if "parametrizations" in key}
    assert front_end.initialised_from.startswith(f"tiny-{name}@sha256:")
    assert front_end.heard["corpora"] is None
    assert front_end.frozen and not trained(front_end)


def test_pickled_weights_are_the_same_weights(tiny_encoder, tmp_path):
    folder = tiny_encoder("hubert", tmp_path / "pickled", safe=False)
    ours = speech_encoder(folder, allow_pickle=True).state_dict()
    for key, value in speech_encoder(tiny_encoder("hubert")).state_dict().items():
        assert torch.equal(ours[key], value), key


def test_a_pickle_that_runs_code_does_not(tiny_encoder, tmp_path):
    folder = tiny_encoder("hubert", tmp_path / "hostile", safe=False)

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was-run"),)

    torch.save({"x": Hostile()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelFolderError, match="do not load"):
        speech_encoder(folder, allow_pickle=True)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_layers_alone_can_be_trained(name, tiny_encoder):
    front_end = speech_encoder(tiny_encoder(name), train_layers=1)
    names = trained(front_end)
    assert names and all(".layers.1." in name for name in names)


@pytest.mark.parametrize("name", FAMILIES)
def test_all_is_all_but_the_convolutions_that_read_samples(name, tiny_encoder):
    front_end = speech_encoder(tiny_encoder(name), train_layers=-1)
    left = {n for n, _ in front_end.named_parameters()} - trained(front_end)
    assert all(name.startswith("encoder.feature_extractor.") for name in left)
    assert bool(left) == hasattr(front_end.encoder, "feature_extractor")


def test_the_plan_begins_after_the_frozen_epochs(tiny_encoder):
    front_end = speech_encoder(tiny_encoder("hubert"), train_layers=1, freeze_epochs=2)
    planned = trained(front_end)
    for epoch, expected in [(1, set()), (2, set()), (3, planned)]:
        front_end.begin_epoch(epoch)
        assert trained(front_end) == expected


@pytest.mark.parametrize("name", [*FAMILIES, "wavlm-large"])
def test_gradient_checkpointing_computes_layers_twice_for_the_same_gradients(name, tiny_encoder):
    torch.manual_seed(0)
    clips, lengths = 0.1 * torch.randn(2, 6_000), torch.tensor([6_000, 4_000])
    gradients = []
    for wanted in (False, True):
        front_end = speech_encoder(
            tiny_encoder(name), train_layers=-1, gradient_checkpointing=wanted
        )
        # Checkpoints are made in training only, and dropout would differ.
        for module in front_end.train().modules():
            module.p = 0.0 if isinstance(module, torch.nn.Dropout) else getattr(module, "p", None)
            for key in ("dropout", "attention_dropout", "activation_dropout"):
                if isinstance(getattr(module, key, None), float):
                    setattr(module, key, 0.0)
        layers = getattr(front_end.encoder, "encoder", front_end.encoder).layers
        computed = collections.Counter()
        for part in layers.modules():
            if isinstance(part, (torch.nn.Linear, torch.nn.LayerNorm)):
                part.register_forward_pre_hook(lambda part, _, to=computed: to.update([part]))
        front_end(clips, lengths)[0].square().sum().backward()
        for layer in layers:
            assert max(computed[part] for part in layer.modules()) == (2 if wanted else 1)
        gradients.append({n: p.grad for n, p in front_end.named_parameters() if p.requires_grad})
    for key, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][key], value)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"train_layers": 3}, "the encoder has 2"),
        ({"train_layers": -2}, "train_layers is -2"),
        ({"train_layers": "top"}, "train_layers is 'top'"),
        ({"freeze_epochs": True}, "freeze_epochs is True"),
        ({"lora_rank": 4, "train_layers": 1}, "set train_layers to 0"),
    ],
)
def test_plans_that_make_no_sense_are_refused(wrong, match, tiny_encoder):
    with pytest.raises(HparamsError, match=match):
        speech_encoder(tiny_encoder("hubert"), **wrong)


def test_other_models_are_refused_by_name(tmp_path, tiny_encoder):
    folder = tiny_encoder("hubert", tmp_path / "bert")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelFolderError, match="'bert' is no speech encoder"):
        speech_encoder(folder)


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_a_checkpoint_without_its_descriptions_is_refused(file, tmp_path, tiny_encoder):
    folder = tiny_encoder("hubert", tmp_path / "half")
    (folder / file).unlink()
    with pytest.raises(ModelFolderError, match=file):
        speech_encoder(folder)


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path, tiny_encoder):
    from safetensors.torch import load_file, save_file

    folder = tiny_encoder("hubert", tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "layers.1.attention.q" not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelFolderError, match="2 weights of the encoder are missing"):
        speech_encoder(folder)


def test_heads_fit_the_encoder_or_say_why_not(tiny_encoder):
    front_end = speech_encoder(tiny_encoder("hubert"))
    assert encoder_head(5, front_end).spec["layers"] == 3
    with pytest.raises(HparamsError, match="set pooled to false"):
        encoder_head(5, front_end, pooling="attentive")
    with pytest.raises(HparamsError, match="choose mean or attentive"):
        encoder_head(5, front_end, pooling="max")

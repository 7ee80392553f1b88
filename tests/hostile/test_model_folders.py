"""Nothing that a model folder says runs, is imported or unpickled, or fills the memory."""

import json
import pickle
import resource
import shutil
from pathlib import Path

import pytest
import torch

from ser_lib import load
from ser_lib.errors import ModelFolderError


class Trap:
    """Unpickling it leaves a file."""

    def __reduce__(self):
        return Path.touch, (Path(self.path),)

    def __init__(self, path):
        self.path = str(path)


def refused(folder, match):
    with pytest.raises(ModelFolderError, match=match) as caught:
        load(folder, device="cpu")
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["os.system", "ser_lib.hub.saving.save_model", "__class__", "__init__", "builtins.eval", ""],
)
def test_only_registered_names_are_built(copy, change, name):
    def other(values):
        values["system"]["classifier"]["name"] = name

    change(copy / "config.json", other)
    refused(copy, "unknown building block")


@pytest.mark.parametrize("key", ["__class__", "self", "__dict__", "register_buffer", "spec"])
def test_arguments_that_a_block_has_not_are_refused(copy, change, key):
    def more(values):
        values["system"]["classifier"][key] = "x"

    change(copy / "config.json", more)
    refused(copy, "cannot build")


def test_tags_of_yaml_are_text(copy, change):
    (copy / "hyperparams.yaml").write_text("x: !apply:os.system [touch pwned]\n")
    change(copy / "config.json", {"system": "!apply:os.system [touch pwned]"})
    refused(copy, "no 'system'")
    assert not Path("pwned").exists() and not (copy / "pwned").exists()


def test_code_beside_the_weights_is_never_run(copy, change, tmp_path):
    trap = tmp_path / "ran"
    for path in [*copy.glob("*.py"), copy / "evil.py", copy / "sitecustomize.py"]:
        path.write_text(f"open({str(trap)!r}, 'w')\nclass Evil: pass\n")
    named = {kind: "evil.Evil" for kind in ("AutoConfig", "AutoModelForAudioClassification")}
    change(copy / "config.json", {"auto_map": named, "custom_pipelines": {"x": {"impl": "evil.X"}}})
    change(copy / "preprocessor_config.json", {"auto_map": {"AutoFeatureExtractor": "evil.Evil"}})
    load(copy, device="cpu")
    change(copy / "preprocessor_config.json", {"feature_extractor_type": "Evil"})
    refused(copy, "does not load")
    assert not trap.exists()


@pytest.mark.parametrize("kind", ["evil", "__class__", ["ser_lib"], None, "bert", "\x1b[2J"])
def test_other_kinds_of_model_are_refused(copy, change, kind):
    change(copy / "config.json", {"model_type": kind})
    refused(copy, "no model is known|do not classify audio")


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.safetensors", "training_args.bin", "golden.json"]
)
def test_pickles_are_never_opened(copy, tmp_path, name):
    if name == "pytorch_model.bin":
        (copy / "model.safetensors").unlink()
    (copy / name).write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    if name == "training_args.bin":
        load(copy, device="cpu")
    else:
        refused(copy, "never loaded|corrupt|cannot be checked")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "said",
    [
        {"transformers_weights": "evil.bin"},
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        {"attn_implementation": "evil/kernel"},
        {"_attn_implementation": {"": "evil/kernel@main"}},
        {"experts_implementation": "evil/kernel"},
        {"text_config": {"attn_implementation": "evil/kernel"}},
    ],
)
def test_what_transformers_would_fetch_is_refused(copy, change, said):
    change(copy / "config.json", said)
    refused(copy, "from elsewhere")


@pytest.mark.parametrize(
    "name", ["adapter_config.json", "shard-00001-model-00001-of-00001.safetensors", "model.gguf"]
)
def test_what_would_replace_the_weights_is_refused(copy, name):
    (copy / name).write_text('{"base_model_name_or_path": "evil/model", "peft_type": "LORA"}')
    refused(copy, name)


@pytest.mark.parametrize("name", ["config.4.0.0.json", "config.5.0.0.json"])
def test_other_configurations_are_never_read(copy, change, name):
    shutil.copy(copy / "config.json", copy / name)
    change(copy / name, {"id2label": {"0": "\x1b[31mred"}, "attn_implementation": "evil/kernel"})
    labels = load(copy, device="cpu").model.config.id2label
    change(copy / "config.json", {"configuration_files": [name]})
    refused(copy, "configuration_files asks for code or weights from elsewhere")
    assert all("red" not in label for label in labels.values())


def test_a_processor_beside_the_extractor_is_never_read(copy):
    huge = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 10**4}
    huge |= {"n_fft": 10**5, "sampling_rate": 8_000}
    (copy / "processor_config.json").write_text(json.dumps({"feature_extractor": huge}))
    for name in ("golden.json", "golden.flac"):
        (copy / name).unlink(missing_ok=True)
    extractor = load(copy, device="cpu").feature_extractor
    assert type(extractor).__name__ == "Wav2Vec2FeatureExtractor"


@pytest.mark.parametrize("classes", [2, 4, 9])
def test_labels_of_other_classes_are_refused(copy, change, classes):
    change(copy / "config.json", {"id2label": {str(n): f"label {n}" for n in range(classes)}})
    refused(copy, f"config.json names {classes} classes")


@pytest.mark.parametrize(
    ("key", "value"),
    [("sampling_rate", 48_000), ("do_normalize", True), ("feature_size", 2), ("padding_value", 5)],
)
def test_an_extractor_of_another_model_is_refused(copy, change, key, value):
    change(copy / "preprocessor_config.json", {key: value})
    refused(copy, f"{key} is {value}, the model of config.json wants")


HUGE = {
    "n_mels": ("front_end", "n_mels", 10**9),
    "n_fft": ("front_end", "n_fft", 10**6),
    "seconds": ("front_end", "seconds", 1e6),
    "shape": ("classifier", "shape", [10**6, 10**6]),
    "channels": ("classifier", "channels", [10**7, 10**7]),
    "layers": ("classifier", "n_layers", 10**6),
    "width": ("classifier", "d_feedforward", 10**6),
    "scaler": ("scaler", "shape", [10**6, 10**6]),
    "infinite": ("front_end", "seconds", float("inf")),
}


@pytest.mark.parametrize("key", HUGE)
def test_sizes_beyond_the_weights_are_refused_before_they_are_allocated(copy, change, key):
    role, name, value = HUGE[key]

    def grow(values):
        values["system"][role][name] = value

    change(copy / "config.json", grow)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(copy, "more than|larger than|more parts|cannot build|inf|do not fit")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10


def test_a_million_members_are_refused(copy, change):
    def many(values):
        member = {"front_end": {"name": "log_mel"}, "scaler": None, "classifier": {"name": "x"}}
        values["system"] = {"members": [member] * 10**6, "weights": None, "meta": None}

    change(copy / "config.json", many)
    refused(copy, "larger than 16 MiB|more, or deeper")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": ' * 100_000 + "1" + "}" * 100_000,
        "[" * 100_000,
        '{"system": ' + '{"members": [' * 30 + "1" + "]}" * 30 + "}",
        '{"x": "' + "a" * (17 << 20) + '"}',
        '{"x": ' + "9" * 10_000 + "}",
        '{"x": [' + "1," * 600_000 + "1]}",
        "[1]",
        "\ufeff{}",
        "",
    ],
    ids=["deep", "brackets", "nested", "long", "digits", "many", "list", "bom", "empty"],
)
@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_json_that_exhausts_is_refused(copy, text, name):
    (copy / name).write_text(text)
    refused(copy, name)


@pytest.mark.parametrize("value", [0, -1, 10**9, 1.5, "16000", None, True, [], 999])
def test_rates_out_of_range_are_refused(copy, change, value):
    change(copy / "preprocessor_config.json", {"sampling_rate": value})
    refused(copy, "sampling_rate")


@pytest.mark.parametrize(
    ("key", "value"),
    [("feature_size", 10**9), ("n_fft", 10**9), ("chunk_length", 10**6), ("padding_value", 1e300)]
    + [("padding_value", "x"), ("do_normalize", {"a": 1}), ("dither", 1.0)]
    + [("padding_side", "left"), ("return_attention_mask", "no")],
)
def test_other_numbers_of_the_extractor(copy, change, key, value):
    change(copy / "preprocessor_config.json", {key: value})
    refused(copy, key)


def test_a_golden_sound_that_is_a_bomb_is_refused(copy):
    import numpy as np
    import soundfile

    soundfile.write(copy / "golden.flac", np.zeros((8000 * 60, 2)), 8000)
    refused(copy, "cannot be checked")
    (copy / "golden.json").write_text(json.dumps({"logits": [0.0] * 10**6}))
    refused(copy, "cannot be checked")


def test_a_front_end_that_would_make_gigabytes_of_a_second_is_refused(copy, change):
    for name in ("golden.json", "golden.flac"):
        (copy / name).unlink()

    def fine(values):
        values["system"]["front_end"].update(n_fft=256, hop_length=1, seconds=2000.0)

    change(copy / "config.json", fine)
    refused(copy, "GiB|fit")


def test_parts_that_do_not_go_together_are_one_line(copy, change):
    (copy / "golden.json").unlink()

    def odd(values):
        values["system"]["front_end"]["seconds"] = 0.2

    change(copy / "config.json", odd)
    refused(copy, "do not go together|do not fit")


def test_weights_that_only_overflow_are_refused(copy):
    from safetensors.torch import load_file, save_file

    (copy / "golden.json").unlink()
    weights = load_file(copy / "model.safetensors")
    for name, tensor in weights.items():
        if name.endswith("weight") and tensor.is_floating_point():
            tensor.fill_(torch.finfo(torch.float32).max)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(copy, "not finite")

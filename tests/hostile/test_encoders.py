"""A stranger's encoder to start from is looked at as a whole model is."""

import json
import pickle
import shutil

import pytest

from ser_lib.errors import ModelFolderError
from ser_lib.pretrained.encoder import speech_encoder


@pytest.fixture
def encoder(tiny_encoder, tmp_path):
    return shutil.copytree(tiny_encoder("hubert"), tmp_path / "encoder")


def refused(folder, match):
    with pytest.raises(ModelFolderError, match=match) as caught:
        speech_encoder(folder)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"hidden_size": 200_000, "intermediate_size": 10**6}, "GiB|larger"),
        ({"num_hidden_layers": 10**6}, "larger|more parts"),
        ({"hidden_size": 10**12}, "more than any"),
        ({"hidden_size": "x"}, "builds no encoder"),
        ({"conv_dim": [10**6] * 2}, "GiB|larger"),
        ({"attn_implementation": "evil/kernel"}, "from elsewhere"),
        ({"transformers_weights": "evil.bin"}, "from elsewhere"),
        ({"quantization_config": {"quant_method": "gptq"}}, "from elsewhere"),
        ({"model_type": "os.system"}, "no speech encoder"),
        ({"auto_map": {"AutoModel": "evil.Evil"}, "hidden_act": "os.system"}, "builds no encoder"),
    ],
)
def test_configurations(encoder, change, said, match):
    (encoder / "evil.py").write_text("raise SystemExit")
    change(encoder / "config.json", said)
    refused(encoder, match)


@pytest.mark.parametrize(
    "said", [{"sampling_rate": 0}, {"sampling_rate": "x"}, {"feature_size": 10**9}]
)
def test_extractors(encoder, change, said):
    change(encoder / "preprocessor_config.json", said)
    refused(encoder, "must be a whole number")


def test_an_adapter_beside_it(encoder):
    (encoder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "evil/x"}))
    refused(encoder, "adapter_config")


def test_pickled_weights_hold_tensors_even_where_they_are_allowed(tiny_encoder, tmp_path):
    folder = tiny_encoder("hubert", tmp_path / "pickled", safe=False)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"x": print}))
    refused(folder, "safetensors")
    with pytest.raises(ModelFolderError, match="do not load"):
        speech_encoder(folder, allow_pickle=True)

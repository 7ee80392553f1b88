"""Weights that are not what safetensors says, or not what the model needs."""

import json
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from ser_lib import load
from ser_lib.errors import ModelFolderError


def refused(folder, match="corrupt|do not fit|of type|NaN|beside it"):
    with pytest.raises(ModelFolderError, match=match) as caught:
        load(folder, device="cpu")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1500


def header(folder, change):
    """Rewrite the header of the weights."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    told = json.loads(data[8 : 8 + size])
    made = change(told)
    text = made if isinstance(made, bytes) else json.dumps(made or told).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])


def names(told):
    return sorted(
        (name for name in told if name != "__metadata__"), key=lambda n: told[n]["data_offsets"]
    )


def overlap(told):
    first, second = names(told)[:2]
    told[second]["data_offsets"] = told[first]["data_offsets"]


def beyond(told):
    last = told[names(told)[-1]]
    last["data_offsets"] = [place + (1 << 40) for place in last["data_offsets"]]


def backwards(told):
    first = told[names(told)[0]]
    first["data_offsets"] = first["data_offsets"][::-1]


def huge(told):
    told[names(told)[0]]["shape"] = [2**31, 2**31, 2**31]


def negative(told):
    told[names(told)[0]]["shape"] = [-4]


def unknown_type(told):
    told[names(told)[0]]["dtype"] = "PICKLE"


def text(told):
    return b"!!python/object/apply:os.system [x]"


def deep(told):
    return b'{"a":' * 50_000 + b"1" + b"}" * 50_000


@pytest.mark.parametrize(
    "change", [overlap, beyond, backwards, huge, negative, unknown_type, text, deep]
)
def test_headers_that_lie(copy, change):
    header(copy, change)
    refused(copy, "corrupt or incomplete")


@pytest.mark.parametrize("size", [0, 1, 2**40, 2**63, 2**64 - 1])
def test_header_sizes_that_lie(copy, size):
    path = copy / "model.safetensors"
    path.write_bytes(struct.pack("<Q", size) + path.read_bytes()[8:])
    refused(copy, "corrupt or incomplete")


@pytest.mark.parametrize("keep", [0, 4, 8, 500, -1])
def test_truncated(copy, keep):
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    refused(copy, "corrupt or incomplete")


KEY = "network.classifier.output.weight"


@pytest.mark.parametrize(
    "how",
    [
        lambda t: t.T.contiguous(),
        lambda t: t.flatten(),
        lambda t: t[:1].clone(),
        lambda t: t.long(),
        lambda t: t > 0,
        lambda t: t.to(torch.complex64),
        lambda t: t.to(torch.float8_e4m3fn),
        lambda t: t.fill_(float("nan")),
        lambda t: t.fill_(float("inf")),
        lambda t: torch.zeros(0),
    ],
    ids=["turned", "flat", "part", "int", "bool", "complex", "float8", "nan", "inf", "none"],
)
def test_a_weight_of_another_shape_or_type(copy, how):
    weights = load_file(copy / "model.safetensors")
    weights[KEY] = how(weights[KEY])
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(copy)


def test_nan_in_a_statistic(copy):
    weights = load_file(copy / "model.safetensors")
    weights["network.scaler.mean"][0] = float("nan")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    (copy / "golden.json").unlink()
    refused(copy, "scaler.mean holds NaN")


@pytest.mark.parametrize(
    "index",
    [
        {"weight_map": {KEY: "../stolen.safetensors"}},
        {"weight_map": {KEY: "/etc/passwd"}},
        {"weight_map": {KEY: ["model.bin"]}},
        {"weight_map": {KEY: "pytorch_model.bin"}},
        {"weight_map": {}},
        {"weight_map": "model.safetensors"},
        {},
    ],
)
def test_an_index_names_files_beside_it_only(copy, index):
    (copy / "model.safetensors").rename(copy.parent / "stolen.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(copy, "beside it")


def test_shards_beside_it_load(copy):
    names = sorted(load_file(copy / "model.safetensors"))
    (copy / "model.safetensors").rename(copy / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model-00001-of-00001.safetensors")}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    load(copy, device="cpu")

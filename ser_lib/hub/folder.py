"""Read a model folder or a Hub repository, and say in one line what is wrong with it."""

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.utils import HFValidationError, validate_repo_id
from safetensors import SafetensorError, safe_open
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
)
from transformers.utils import logging as transformers_logging

from ser_lib.errors import HubError, ModelFolderError, SerError
from ser_lib.hub.budget import Budget
from ser_lib.hub.configuration import SERConfig
from ser_lib.hub.golden import ANSWER, SOUND, check_golden
from ser_lib.hub.modeling import refuse_misfit
from ser_lib.hub.preprocessing import feature_extractor
from ser_lib.hub.trouble import hub_trouble
from ser_lib.hub.vetting import check_config, check_extractor, check_folder, one_line, read_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
EXTRACTOR = "preprocessor_config.json"
# What a network may be over its weights on disk, which may be stored in half precision, and what
# its filters may take; and how many operations may build it.
_TIMES, _BYTES = 4, 128 << 20
_OPERATIONS, _PER_TENSOR = 10_000, 50
_FLOATS = ("F64", "F32", "F16", "BF16")
_SHARD = re.compile(r"[\w-]+\.safetensors", re.ASCII)
_PUBLISHED = ["config.json", EXTRACTOR, WEIGHTS, INDEX, "model-*.safetensors", SOUND, ANSWER]


def read_model(source, revision=None, token=None):
    """Model and feature extractor of a folder or Hub repository, complete and fitting.

    Arguments
    ---------
    source : str or os.PathLike
        Folder, or Hub id; what exists here is a folder.
    revision : str, optional
        Branch, tag or commit on the Hub.
    token : str, optional
        Of the Hub; the one that is logged in by default.

    Returns
    -------
    model : PreTrainedModel
        In evaluation mode, on the CPU.
    extractor : SequenceFeatureExtractor

    Raises
    ------
    ModelFolderError
        If a folder is given with a revision, files are missing or corrupt, the architecture is
        unknown, it asks for more memory than its weights account for or for code from elsewhere,
        the weights do not fit or are not finite, or the model answers otherwise than when it was
        saved.
    HubError
        If the repository cannot be fetched.
    """
    local = _is_local(source)
    if local and revision is not None:
        raise ModelFolderError(
            f"{source} is a folder, which has no revisions; leave the revision out, or name a "
            "repository of the Hub"
        )
    folder = Path(source) if local else _fetch(str(source), revision, token)
    described, size, kinds = _check_files(folder)
    local = {"local_files_only": True, "trust_remote_code": False}
    with _in_one_line(folder):
        config, extractor = _described(described, folder, local)
        if type(config) not in AutoModelForAudioClassification._model_mapping:
            raise ModelFolderError(
                f"{folder / 'config.json'}: {config.model_type!r} models do not classify audio; "
                "choose another model"
            )
        _plan(config, folder, size, kinds)
        model, info = AutoModelForAudioClassification.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **local,
        )
    refuse_misfit(info, folder)
    _refuse_nan(model, folder)
    if isinstance(config, SERConfig):
        _check_extractor(model.network, extractor, folder)
    with _in_one_line(folder):
        check_golden(model, extractor, folder)
    return model, extractor


@contextlib.contextmanager
def _in_one_line(folder):
    """Whatever a stranger's files run Transformers into becomes a ModelFolderError."""
    level = transformers_logging.get_verbosity()
    # Misfits come as one line from refuse_misfit, not as a table.
    transformers_logging.set_verbosity_error()
    try:
        yield
    except SerError:
        raise
    except Exception as error:
        raise ModelFolderError(
            f"{folder} does not load ({type(error).__name__}: {one_line(error)}); save the model "
            "again, or update ser_lib and transformers"
        ) from error
    finally:
        transformers_logging.set_verbosity(level)


def _described(described, folder, local):
    """Configuration and extractor of files that were looked at (dict of name to dict).

    They are read where nothing lies beside them: Transformers takes a ``processor_config.json`` in
    place of the one, and in place of the other what that calls its ``configuration_files``.
    """
    with tempfile.TemporaryDirectory() as alone:
        for name, values in described.items():
            Path(alone, name).write_text(json.dumps(values), encoding="utf-8")
        config = AutoConfig.from_pretrained(alone, **local)
        extractor = AutoFeatureExtractor.from_pretrained(alone, **local)
    config.name_or_path = str(folder)
    return config, extractor


def _check_extractor(network, extractor, folder):
    """Raise ModelFolderError where the extractor is not the one that our models are saved with.

    Another would resample or scale what the front end hears, and the answers would be others.
    """
    wanted = feature_extractor(network.sample_rate)
    for key in ("sampling_rate", "feature_size", "padding_value", "do_normalize"):
        if getattr(extractor, key, None) != getattr(wanted, key):
            raise ModelFolderError(
                f"{folder / EXTRACTOR}: {key} is {getattr(extractor, key, None)!r}, the model of "
                f"config.json wants {getattr(wanted, key)!r}; the files are not of one model, copy "
                "or download them again"
            )


def _plan(config, folder, size, kinds):
    """Build the network without memory; ModelFolderError where it is more than its weights.

    Arguments
    ---------
    config : PretrainedConfig
    folder : Path
    size : int
        Bytes of the weights.
    kinds : dict
        Each weight's name to its type as safetensors calls it.
    """
    most = _TIMES * size + _BYTES
    try:
        with torch.device("meta"), Budget(most, most, _OPERATIONS + _PER_TENSOR * len(kinds)):
            planned = AutoModelForAudioClassification.from_config(config)
    except ModelFolderError as error:
        raise ModelFolderError(f"{folder / 'config.json'}: {one_line(error)}") from error
    for name, tensor in planned.state_dict().items():
        if name in kinds and (kinds[name] in _FLOATS) != tensor.is_floating_point():
            raise ModelFolderError(
                f"{folder}: {name} is of type {kinds[name]}, the model's is {tensor.dtype}; save "
                "the model again with the version that trained it"
            )


def _refuse_nan(model, folder):
    """Raise ModelFolderError where a weight is no number, or a parameter is not finite."""
    # A tree's leaves have infinite thresholds.
    kinds = [(model.named_parameters(), torch.isfinite), (model.named_buffers(), _is_number)]
    for named, sound in kinds:
        for name, tensor in named:
            if tensor.is_floating_point() and not sound(tensor).all():
                raise ModelFolderError(
                    f"{folder}: {one_line(name)} holds NaN or infinity; copy or download the model "
                    "again, or train it again"
                )


def _is_number(tensor):
    return ~torch.isnan(tensor)


def _is_local(source):
    """Whether ``source`` is a folder here, or could be nothing else; raises if it is absent."""
    path = Path(source)
    try:
        if path.is_dir():
            return True
        if path.exists():
            raise ModelFolderError(f"{path} is a file; give the folder that holds config.json")
    except OSError as error:
        raise ModelFolderError(
            f"{one_line(path)} cannot be looked at ({error.strerror}); give another folder"
        ) from error
    try:
        validate_repo_id(str(source))
    except HFValidationError:
        could_be_hub = False
    else:
        could_be_hub = isinstance(source, str) and not source.startswith((".", "~", os.sep))
    if could_be_hub:
        return False
    raise ModelFolderError(f"{path}: no such model folder; check the path")


def _fetch(repo_id, revision, token):
    """Folder in the Hub's cache with the data files of a repository, and no code."""
    try:
        return Path(
            snapshot_download(repo_id, revision=revision, token=token, allow_patterns=_PUBLISHED)
        )
    except Exception as error:
        trouble = hub_trouble(error, repo_id, revision)
        if trouble is None:
            raise
        raise HubError(f"no folder {repo_id!r} here, and {trouble}") from error


def _check_files(folder):
    """The two files that describe a model (dict of name to dict), bytes of its weights, and each
    weight's type by name, of a model whose files can all be read.

    Raises ModelFolderError otherwise.
    """
    check_folder(folder)
    for name in ("config.json", EXTRACTOR):
        if not (folder / name).is_file():
            raise ModelFolderError(
                f"{folder / name} is missing; save the model again or copy all its files"
            )
    config = read_json(folder / "config.json")
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise ModelFolderError(
            f"{folder / 'config.json'}: no model is known by the model_type {one_line(kind)!r}; "
            "update transformers and ser_lib, or choose another model"
        )
    check_config(folder / "config.json", config)
    heard = read_json(folder / EXTRACTOR)
    check_extractor(folder / EXTRACTOR, heard)
    size, kinds = 0, {}
    for path in _weights(folder):
        if not path.is_file():
            raise ModelFolderError(
                f"{path} is missing; save the model again as safetensors (pickled weights are "
                "never loaded)"
            )
        try:
            # Offsets that overlap, leave gaps or go beyond the file are refused by safetensors.
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                kinds.update((name, file.get_slice(name).get_dtype()) for name in names)
        except (SafetensorError, OSError) as error:
            raise ModelFolderError(
                f"{path} is corrupt or incomplete ({one_line(error)}); copy or download it again"
            ) from error
        size += path.stat().st_size
    return {"config.json": config, EXTRACTOR: heard}, size, kinds


def _weights(folder):
    """Files (list of Path) of the weights, which lie in the folder itself."""
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    index = read_json(folder / INDEX).get("weight_map")
    names = list(index.values()) if isinstance(index, dict) else []
    if not names or not all(isinstance(n, str) and _SHARD.fullmatch(n) for n in names):
        raise ModelFolderError(
            f"{folder / INDEX} does not name the weights beside it; copy or download it again"
        )
    return [folder / name for name in sorted(set(names))]

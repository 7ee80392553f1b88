"""Read a model folder or a Hub repository, and say in one line what is wrong with it."""

import json
import os
from pathlib import Path

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

from ser_lib.errors import HubError, ModelFolderError
from ser_lib.hub.golden import ANSWER, SOUND, check_golden
from ser_lib.hub.modeling import refuse_misfit
from ser_lib.hub.trouble import hub_trouble

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
EXTRACTOR = "preprocessor_config.json"
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
        If files are missing or corrupt, the architecture is unknown, the weights do not fit, or
        the model answers otherwise than when it was saved.
    HubError
        If the repository cannot be fetched.
    """
    folder = Path(source) if _is_local(source) else _fetch(str(source), revision, token)
    _check_files(folder)
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        if type(config) not in AutoModelForAudioClassification._model_mapping:
            raise ModelFolderError(
                f"{folder / 'config.json'}: {config.model_type!r} models do not classify audio; "
                "choose another model"
            )
        extractor = AutoFeatureExtractor.from_pretrained(folder, **local)
        # Misfits come as one line from refuse_misfit, not as a table.
        level = transformers_logging.get_verbosity()
        transformers_logging.set_verbosity_error()
        try:
            model, info = AutoModelForAudioClassification.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **local,
            )
        finally:
            transformers_logging.set_verbosity(level)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(
            f"{folder} does not load ({type(error).__name__}: {reason}); save the model again, or "
            "update ser_lib and transformers"
        ) from error
    refuse_misfit(info, folder)
    if not getattr(extractor, "sampling_rate", None):
        raise ModelFolderError(f"{folder / EXTRACTOR} has no sampling_rate; add it in Hz")
    check_golden(model, extractor, folder)
    return model, extractor


def _is_local(source):
    """Whether ``source`` is a folder here, or could be nothing else; raises if it is absent."""
    path = Path(source)
    if path.is_dir():
        return True
    if path.exists():
        raise ModelFolderError(f"{path} is a file; give the folder that holds config.json")
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
        trouble = hub_trouble(error, repo_id)
        if trouble is None:
            raise
        raise HubError(f"no folder {repo_id!r} here, and {trouble}") from error


def _check_files(folder):
    """Raise ModelFolderError unless all files of a model are there and can be read."""
    for name in ("config.json", EXTRACTOR):
        path = folder / name
        if not path.is_file():
            raise ModelFolderError(f"{path} is missing; save the model again or copy all its files")
        _read_json(path)
    kind = _read_json(folder / "config.json").get("model_type")
    if kind not in CONFIG_MAPPING:
        raise ModelFolderError(
            f"{folder / 'config.json'}: no model is known by the model_type {kind!r}; update "
            "transformers and ser_lib, or choose another model"
        )
    shards = [WEIGHTS]
    if (folder / INDEX).is_file():
        shards = sorted(set(_read_json(folder / INDEX).get("weight_map", {}).values()))
    for path in [folder / name for name in shards]:
        if not path.is_file():
            raise ModelFolderError(
                f"{path} is missing; save the model again as safetensors (pickled weights are "
                "never loaded)"
            )
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise ModelFolderError(
                f"{path} is corrupt or incomplete ({error}); copy or download it again"
            ) from error


def _read_json(path):
    """Dict of a JSON file, or ModelFolderError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{path} cannot be read as JSON ({error}); copy it again") from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path} holds no JSON object; copy it again")
    return content

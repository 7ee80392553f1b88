"""What a folder says of a speech encoder, before its weights are read."""

from typing import NamedTuple

from ser_lib.errors import ModelFolderError
from ser_lib.features.encoder_families import FAMILIES
from ser_lib.hub.vetting import check_config, check_extractor, check_folder, read_json
from ser_lib.pretrained.source import Source, locate


class Encoder(NamedTuple):
    """Where a speech encoder lies (``found``, Source), and the values of its configuration and of
    its feature extractor's (``config``, ``extractor``, dict).
    """

    found: Source
    config: dict
    extractor: dict

    @property
    def family(self):
        """Transformers' name of the architecture (str)."""
        return self.config["model_type"]


def find_encoder(source, revision=None, allow_pickle=False):
    """A speech encoder of a known family; its weights are there, and not read yet.

    Arguments as :func:`ser_lib.pretrained.source.locate` has them.

    Returns
    -------
    Encoder

    Raises
    ------
    ModelFolderError, HubError
        If it is not there, or not one of a known family.
    """
    found = locate(source, revision, allow_pickle)
    path = found.folder / "preprocessor_config.json"
    config = _described(found.folder / "config.json")
    if config.get("model_type") not in FAMILIES:
        raise ModelFolderError(
            f"{source}: {config.get('model_type')!r} is no speech encoder known here; choose one "
            f"of {', '.join(FAMILIES)}"
        )
    extractor = read_json(path)
    check_extractor(path, {"sampling_rate": 16_000, **extractor})
    return Encoder(found, config, extractor)


def _described(path):
    """Values of a config.json (dict) that asks for nothing from elsewhere; labels are unused."""
    check_folder(path.parent)
    values = read_json(path)
    unused = ("id2label", "label2id", "provenance")
    check_config(path, {key: value for key, value in values.items() if key not in unused})
    return values

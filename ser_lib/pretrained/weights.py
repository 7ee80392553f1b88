"""Weights of a located checkpoint in a class of Transformers."""

import contextlib

from transformers.utils import logging

from ser_lib.errors import ModelFolderError
from ser_lib.plain import first_sentence


def load_weights(cls, source, config):
    """A model with the weights of a checkpoint, of whatever task that was.

    Arguments
    ---------
    cls : type
        Class of Transformers, without a head.
    source : Source
        From :func:`ser_lib.pretrained.source.locate`. Pickled weights are read as tensors only.
    config : PretrainedConfig
        Of the model.

    Returns
    -------
    model : PreTrainedModel
        In float32, in evaluation mode.
    missing : list of str
        Sorted names of weights that the checkpoint lacks; they are random now.

    Raises
    ------
    ModelFolderError
        If the files do not load, or hold weights of other shapes.
    """
    with _quiet():
        try:
            model, report = cls.from_pretrained(
                source.folder,
                config=config,
                use_safetensors=source.weights[0].suffix == ".safetensors",
                output_loading_info=True,
                local_files_only=True,
                dtype="float32",
            )
        except Exception as error:  # of whatever the files hold
            raise ModelFolderError(
                f"{source.name}: its weights do not load ({first_sentence(error)}); fetch them "
                "again"
            ) from error
    return model, sorted(report["missing_keys"])


@contextlib.contextmanager
def _quiet():
    """Transformers lists the weights of whatever head is left out."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)

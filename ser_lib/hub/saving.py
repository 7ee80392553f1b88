"""Write a trained model as a folder that Transformers loads: safetensors, JSON and text."""

import os
import shutil
import uuid
from pathlib import Path

from safetensors import SafetensorError
from transformers.utils import CONFIG_NAME, SAFE_WEIGHTS_NAME

from ser_lib.errors import RunError
from ser_lib.hub.bundle import AUTO_MAP, write_bundle
from ser_lib.hub.configuration import SERConfig
from ser_lib.hub.golden import write_golden
from ser_lib.hub.modeling import SERForAudioClassification
from ser_lib.hub.native import fits, to_native
from ser_lib.hub.preprocessing import feature_extractor
from ser_lib.hub.vetting import check_labels


def save_model(network, folder, labels, provenance, card=None):
    """Save a network so that ``pipeline`` and :func:`ser_lib.load` run it.

    A speech encoder with a plain head becomes a model of Transformers' own class; everything else
    one of ours, with its source beside it.

    The folder appears whole or not at all: it is written under another name, flushed to disk
    and then renamed. A folder that is there already stays until that moment.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        On any device, in any mode; it is not changed.
    folder : str or os.PathLike
        Where to save.
    labels : sequence of str
        Class names in the order of the logits.
    provenance : dict
        Plain values that say where the weights come from; see SERConfig.
    card : str, optional
        Text of ``README.md``; none is written by default.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunError
        If the folder cannot be written.
    ModelFolderError
        If a label is empty, long, or holds characters that are not shown as they are.
    ValueError
        If the labels repeat or are not as many as the classifier's classes.
    """
    folder, labels = Path(folder), [str(label) for label in labels]
    classes = network.n_classes
    if len(set(labels)) != len(labels) or len(labels) != classes:
        raise ValueError(f"{classes} classes need as many different labels, not {labels}")
    check_labels(labels, folder)
    native = fits(network)
    model, extractor = (to_native if native else _ours)(network, labels, provenance)

    # What a kill in mid-save left behind.
    for stale in folder.parent.glob(f".{folder.name}.*"):
        if stale.suffix in (".new", ".old"):
            shutil.rmtree(stale, ignore_errors=True)
    new = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        new.mkdir(parents=True)
        try:
            if not native:
                write_bundle(network.spec, new)
            model.save_pretrained(new)
            # Weights are written for their owner alone; others may read them as they may the rest.
            weights, config = (new / name for name in (SAFE_WEIGHTS_NAME, CONFIG_NAME))
            weights.chmod(config.stat().st_mode & 0o777)
            extractor.save_pretrained(new)
            write_golden(model, extractor, new)
            if card is not None:
                (new / "README.md").write_text(card, encoding="utf-8")
            _flush(new)
            _replace(folder, new)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(
            f"{folder}: the model cannot be saved ({reason}); free some space or "
            "choose another folder"
        ) from error
    return folder


def _ours(network, labels, provenance):
    """Model of our own class, and the extractor that leaves samples alone."""
    config = SERConfig(
        system=network.spec,
        sampling_rate=network.sample_rate,
        provenance=provenance,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        problem_type="single_label_classification",
    )
    config.auto_map = dict(AUTO_MAP)
    model = SERForAudioClassification(config)
    model.network.load_state_dict(network.state_dict())
    return model.eval(), feature_extractor(network.sample_rate)


def _replace(folder, new):
    """Put ``new`` in the place of ``folder``, which comes back if that fails."""
    if not folder.exists():
        new.rename(folder)
        return
    old = new.with_suffix(".old")
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def _flush(folder):
    """Wait until the files of a folder are on the disk."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

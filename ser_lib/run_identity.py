"""What makes a run itself, and whether what its YAML names fits together at all."""

import functools

import torch

from ser_lib.errors import HparamsError

_SETTINGS = ("seed", "batch_size", "gradient_accumulation_steps", "max_grad_norm")


def run_identity(network, augmentation, blocks, ledger, settings):
    """Everything that the weights of a run follow from; two equal ones may share a folder.

    Arguments
    ---------
    network : WaveformClassifier
        Described by its ``spec``.
    augmentation : object or None
        With a ``spec``.
    blocks : dict
        What the YAML made; ``optimizer`` and ``lr_scheduler`` count.
    ledger : Ledger
        The split.
    settings : TrainingSettings
        Those that only say how long to train are left out, so that a run can be prolonged.

    Returns
    -------
    dict
        JSON-ready.
    """
    return {
        **network.spec,
        "augmentation": augmentation.spec if augmentation else None,
        "optimizer": _plain(blocks["optimizer"]),
        "lr_scheduler": _plain(blocks.get("lr_scheduler")),
        "protocol": ledger.protocol,
        "fold": ledger.fold,
        "split": ledger.sha256,
        **{key: getattr(settings, key) for key in _SETTINGS},
        "mixed_precision": settings.mixed_precision,
    }


def check_fit(yaml, network, blocks, n_classes):
    """Raise HparamsError unless front end, scaler, classifier and optimiser work together.

    One clip of silence goes through, which takes a moment; found later, it would cost hours.

    Arguments
    ---------
    yaml : Path
        For the message.
    network : WaveformClassifier
        On the CPU.
    blocks : dict
        What the YAML made.
    n_classes : int
        Logits wanted.
    """
    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(1, network.sample_rate))
    except (RuntimeError, ValueError) as error:
        raise HparamsError(
            f"{yaml}: front end, scaler and classifier do not fit together: "
            f"{str(error).splitlines()[0]}; compare their shapes"
        ) from error
    if logits.shape != (1, n_classes):
        raise HparamsError(
            f"{yaml}: the classifier gives {tuple(logits.shape)[1:]} logits a clip; the corpus "
            f"needs {n_classes}"
        )
    try:
        optimizer = blocks["optimizer"](network.parameters())
        if blocks.get("lr_scheduler"):
            blocks["lr_scheduler"](optimizer)
    except (TypeError, ValueError) as error:
        raise HparamsError(
            f"{yaml}: optimizer or lr_scheduler: {str(error).splitlines()[0]}"
        ) from error


def _plain(value):
    """JSON-ready description of what a YAML's ``!name:`` made, or of one of its arguments."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, functools.partial):
        named = {key: _plain(item) for key, item in sorted(value.keywords.items())}
        return {"name": _plain(value.func), "arguments": _plain(value.args), **named}
    if callable(value):
        return f"{value.__module__}.{value.__qualname__}"
    return repr(value)

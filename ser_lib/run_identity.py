"""What makes a run itself, and whether what its YAML names fits together at all."""

import functools

import torch

from ser_lib.errors import HparamsError
from ser_lib.pretrained.names import short

_SETTINGS = (
    *("seed", "batch_size", "drop_last", "gradient_accumulation_steps", "max_grad_norm"),
    *("class_weights", "balance_corpora", "encoder_lr", "warmup_epochs"),
)

# What a block may say of the weights it starts from, and which of them are trained when.
_STARTS = ("initialised_from", "freeze_epochs", "train_layers", "lora_rank")


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
        "optimizer": plain(blocks["optimizer"]),
        "lr_scheduler": plain(blocks.get("lr_scheduler")),
        **split_identity(ledger),
        **{key: getattr(settings, key) for key in _SETTINGS},
        "mixed_precision": settings.mixed_precision,
        **{
            key: [_told(block, key) for block in (network.front_end, network.classifier)]
            for key in _STARTS
        },
    }


def _told(block, key):
    told = getattr(block, key, None)
    # Runs were begun under names with 12 digits of the commit.
    return short(told) if isinstance(told, str) else told


def split_identity(ledger):
    """The part of a run's identity that is its split (dict)."""
    return {"protocol": ledger.protocol, "fold": ledger.fold, "split": ledger.sha256}


def check_shapes(yaml, front_end, scaler, classifier):
    """Raise HparamsError, naming the two shapes, where a block reads features of another shape.

    Arguments
    ---------
    yaml : Path
        For the message.
    front_end : nn.Module
        Its ``shape`` is that of one clip's features.
    scaler, classifier : nn.Module or None
        Those whose spec has a ``shape`` read features of no other.
    """
    given = tuple(front_end.shape)
    for role, block in (("scaler", scaler), ("classifier", classifier)):
        wanted = tuple(block.spec.get("shape") or given) if block is not None else given
        if wanted != given:
            raise HparamsError(
                f"{yaml}: the {role} {block.registered_name} reads features of shape {wanted}, "
                f"the front end {front_end.registered_name} gives {given}; choose two that match"
            )


def check_fit(yaml, network, n_classes):
    """Raise HparamsError unless front end, scaler and classifier work together.

    One clip of silence goes through, which takes a moment; found later, it would cost hours.

    Arguments
    ---------
    yaml : Path
        For the message.
    network : WaveformClassifier
        On the CPU.
    n_classes : int
        Logits wanted.
    """
    check_shapes(yaml, network.front_end, network.scaler, network.classifier)
    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(1, network.sample_rate))
    except (RuntimeError, ValueError) as error:
        raise HparamsError(
            f"{yaml}: the classifier {network.classifier.registered_name} cannot read features of "
            f"shape {tuple(network.front_end.shape)}, which the front end "
            f"{network.front_end.registered_name} gives ({str(error).splitlines()[0]}); choose two "
            "that match"
        ) from error
    if logits.shape != (1, n_classes):
        raise HparamsError(
            f"{yaml}: the classifier gives {tuple(logits.shape)[1:]} logits a clip; the corpus "
            f"needs {n_classes}: give it n_classes: !ref <n_classes>"
        )


def check_optimizer(yaml, network, blocks):
    """Raise HparamsError unless optimiser and scheduler can be made for the network.

    Arguments
    ---------
    yaml : Path
        For the message.
    network : nn.Module
        Whose parameters are to be trained.
    blocks : dict
        What the YAML made.
    """
    try:
        optimizer = blocks["optimizer"](network.parameters())
        if blocks.get("lr_scheduler"):
            blocks["lr_scheduler"](optimizer)
    except (TypeError, ValueError) as error:
        raise HparamsError(
            f"{yaml}: optimizer or lr_scheduler cannot be made ({str(error).splitlines()[0]}); "
            "correct its arguments there"
        ) from error


def check_cache(yaml, network, settings):
    """Raise HparamsError where features are to be kept that training changes.

    Arguments
    ---------
    yaml : Path
        For the message.
    network : WaveformClassifier
        A front end without weights, or with frozen ones, gives the same in every epoch.
    settings : TrainingSettings
        ``cache_features`` and ``encoder_lr`` count.
    """
    trained = any(parameter.requires_grad for parameter in network.front_end.parameters())
    if settings.cache_features and trained:
        raise HparamsError(
            f"{yaml}: the front end is trained, so its features change: set cache_features to false"
        )


def plain(value):
    """JSON-ready description of what a YAML's ``!name:`` made, or of one of its arguments."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, functools.partial):
        named = {key: plain(item) for key, item in sorted(value.keywords.items())}
        return {"name": plain(value.func), "arguments": plain(value.args), **named}
    if callable(value):
        return f"{value.__module__}.{value.__qualname__}"
    return repr(value)

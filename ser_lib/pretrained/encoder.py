"""A speech encoder with other people's weights, and a head that fits it."""

from transformers import AutoConfig, WhisperModel

from ser_lib.errors import HparamsError, ModelFolderError
from ser_lib.features.encoder_families import FAMILIES, plain_values
from ser_lib.features.speech_encoder import SpeechEncoder
from ser_lib.hub.budget import Budget
from ser_lib.hub.vetting import one_line
from ser_lib.models.attentive_head import AttentiveHead
from ser_lib.models.layer_head import LayerHead
from ser_lib.pretrained.description import find_encoder
from ser_lib.pretrained.heard import heard
from ser_lib.pretrained.lora import add_adapters
from ser_lib.pretrained.weights import load_weights

# What an encoder may be over its weights on disk, which may be stored in half precision.
_TIMES, _BYTES, _OPERATIONS = 4, 128 << 20, 50_000


def speech_encoder(
    source,
    revision=None,
    allow_pickle=False,
    layers="all",
    pooled=True,
    train_layers=0,
    freeze_epochs=0,
    gradient_checkpointing=False,
    lora_rank=0,
):
    """A :class:`SpeechEncoder` that starts from published weights.

    Arguments
    ---------
    source : str
        Folder that ``save_pretrained`` made, or Hub id. A classifier or recogniser will do: its
        encoder is taken.
    revision : str or None
        Branch, tag or commit on the Hub; None is the newest.
    allow_pickle : bool
        Whether pickled weights will do where there are no safetensors; even then only tensors are
        read.
    layers, pooled
        See SpeechEncoder.
    train_layers : int
        Transformer layers to train, counted from the last; 0 freezes the whole encoder, -1 trains
        everything but the convolutions that read the samples.
    freeze_epochs : int
        Epochs that only the head is trained.
    gradient_checkpointing : bool
        Whether to compute states again in the backward pass, for less memory.
    lora_rank : int
        Rank of adapters (LoRA) that are trained in place of the layers; 0 is none. Needs peft.

    Returns
    -------
    SpeechEncoder

    Raises
    ------
    HparamsError
        If an argument is out of range, or peft is not installed.
    ModelFolderError, HubError
        If the weights are not there, not those of a known family, or incomplete.
    """
    _check(train_layers, freeze_epochs, lora_rank)
    start = find_encoder(source, revision, allow_pickle)
    found, family = start.found, start.family
    try:
        described = plain_values(start.config, family), plain_values(start.extractor, family)
        most = _TIMES * sum(path.stat().st_size for path in found.weights) + _BYTES
        with Budget(most, most, _OPERATIONS):
            front_end = SpeechEncoder(family, *described, layers, pooled)
    except ModelFolderError as error:
        raise ModelFolderError(f"{source}: {error}") from error
    except Exception as error:  # of whatever Transformers makes of a stranger's values
        raise ModelFolderError(
            f"{source}: its configuration builds no encoder ({one_line(error)}); choose another "
            "encoder"
        ) from error
    front_end.encoder.load_state_dict(_weights(front_end, found, source))
    front_end.initialised_from = str(found)
    front_end.heard = heard(found.name, found.folder)
    front_end.train_layers, front_end.lora_rank = train_layers, lora_rank
    _plan(front_end, train_layers, lora_rank)
    if gradient_checkpointing:
        front_end.encoder.gradient_checkpointing_enable({"use_reentrant": False})
    if freeze_epochs and not front_end.frozen:
        _freeze_at_first(front_end, freeze_epochs)
    return front_end


def encoder_head(n_classes, front_end, pooling="mean", **arguments):
    """A head for the features of a :class:`SpeechEncoder`.

    Arguments
    ---------
    n_classes : int
        Emotions.
    front_end : SpeechEncoder
        Its layers and width are the head's.
    pooling : str
        ``mean`` or ``attentive``.
    **arguments
        Of :class:`ser_lib.models.layer_head.LayerHead` or
        :class:`ser_lib.models.attentive_head.AttentiveHead`.

    Raises
    ------
    HparamsError
        If there are no frames to pool by attention, or the pooling is unknown.
    """
    if pooling not in ("mean", "attentive"):
        raise HparamsError(f"pooling is {pooling!r}; choose mean or attentive")
    if pooling == "attentive" and front_end.pooled:
        raise HparamsError("pooling attentive needs every frame: set pooled to false")
    head = LayerHead if pooling == "mean" else AttentiveHead
    return head(n_classes, front_end.n_layers, front_end.config.hidden_size, **arguments)


def _check(train_layers, freeze_epochs, lora_rank):
    least = {"train_layers": -1, "freeze_epochs": 0, "lora_rank": 0}
    given = {"train_layers": train_layers, "freeze_epochs": freeze_epochs, "lora_rank": lora_rank}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least[key]:
            raise HparamsError(
                f"{key} is {value!r}; it must be a whole number, {least[key]} or more"
            )
    if lora_rank and train_layers:
        raise HparamsError("lora_rank trains adapters in place of layers: set train_layers to 0")


def _weights(front_end, found, source):
    """State dict of the encoder alone, complete and of the right shapes."""
    family = front_end.family
    model = WhisperModel if family == "whisper" else FAMILIES[family][0]
    config = front_end.config
    if family == "whisper":
        # The decoder is in the file too.
        config = AutoConfig.from_pretrained(found.folder)
    loaded, missing = load_weights(model, found, config)
    if family == "whisper":
        loaded = loaded.encoder
    own = "encoder." if family == "whisper" else ""
    missing = [key for key in missing if key.startswith(own)]
    if missing:
        raise ModelFolderError(
            f"{source}: {len(missing)} weights of the encoder are missing ({missing[0]}); choose "
            "another encoder"
        )
    return loaded.state_dict()


def _plan(front_end, train_layers, lora_rank):
    """Say which weights are to be trained."""
    encoder = front_end.encoder
    encoder.requires_grad_(False)
    if lora_rank:
        add_adapters(front_end, lora_rank)
        return
    layers = encoder.layers if front_end.family == "whisper" else encoder.encoder.layers
    if train_layers == -1:
        encoder.requires_grad_(True)
        if hasattr(encoder, "feature_extractor"):
            encoder.feature_extractor.requires_grad_(False)
    elif train_layers > len(layers):
        raise HparamsError(f"train_layers is {train_layers}; the encoder has {len(layers)}")
    elif train_layers:
        layers[-train_layers:].requires_grad_(True)


def _freeze_at_first(front_end, epochs):
    """Give the front end a ``begin_epoch`` that thaws its planned weights after ``epochs``."""
    planned = [parameter for parameter in front_end.parameters() if parameter.requires_grad]

    def begin_epoch(epoch):
        for parameter in planned:
            parameter.requires_grad_(epoch > epochs)

    front_end.freeze_epochs = epochs
    front_end.begin_epoch = begin_epoch

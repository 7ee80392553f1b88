"""A speech encoder with a plain head as Transformers' own class, and back.

``Wav2Vec2ForSequenceClassification`` and its siblings do what such a model does, so that anybody's
``pipeline`` runs it with neither this package nor trust in its code.
"""

import torch

from ser_lib.errors import ModelFolderError, RunError
from ser_lib.hub.configuration import SERConfig
from ser_lib.models.layer_head import LayerHead
from ser_lib.models.waveform_classifier import WaveformClassifier, positive

# Whisper's own class takes the mean over 30 s, silence behind the clip included.
FAMILIES = ("wav2vec2", "hubert", "wavlm", "unispeech-sat", "data2vec-audio", "wav2vec2-bert")
_TOLERANCE = 1e-4


def fits(network):
    """Whether one of Transformers' own classes computes what a network does (bool)."""
    front_end, head = getattr(network, "front_end", None), getattr(network, "classifier", None)
    # By name first: a network of another kind need not wait until all encoders are imported.
    if getattr(front_end, "registered_name", None) != "speech_encoder":
        return False
    from ser_lib.features.speech_encoder import SpeechEncoder

    return (
        type(front_end) is SpeechEncoder
        and front_end.family in FAMILIES
        and network.scaler is None
        and type(head) is LayerHead
        and head.spec["activation"] == "none"
    )


def to_native(network, labels, provenance):
    """Model and feature extractor of Transformers' own classes, with a network's weights.

    Arguments
    ---------
    network : WaveformClassifier
        One that :func:`fits`; it is not changed.
    labels : sequence of str
        Class names in the order of the logits.
    provenance : dict
        Plain values that say where the weights come from; kept in ``config.json``.

    Returns
    -------
    model : PreTrainedModel
        In evaluation mode, on the CPU.
    extractor : SequenceFeatureExtractor

    Raises
    ------
    RunError
        If the two do not answer alike.
    """
    from transformers import AutoModelForAudioClassification

    front_end, head = network.front_end, network.classifier
    config = type(front_end.config)(
        **{
            **front_end.spec["config"],
            "id2label": dict(enumerate(labels)),
            "label2id": {label: index for index, label in enumerate(labels)},
            "problem_type": "single_label_classification",
            "classifier_proj_size": head.spec["hidden"],
            "use_weighted_layer_sum": front_end.layers == "all",
        }
    )
    own = {"pooled": front_end.pooled, "temperature": network.temperature}
    own |= {"absent": network.absent} if network.absent else {}
    config.provenance = {**provenance, **own}
    model = AutoModelForAudioClassification.from_config(config)
    model.base_model.load_state_dict(front_end.encoder.state_dict())
    model.projector.load_state_dict(head.projector.state_dict())
    # A linear layer takes the temperature into its weights.
    cooled = {k: value / network.temperature for k, value in head.classifier.state_dict().items()}
    # What was never heard gets probability 0, as ser_lib.models.waveform_classifier has it.
    cooled["weight"][network.absent], cooled["bias"][network.absent] = 0.0, -1e4
    model.classifier.load_state_dict(cooled)
    if front_end.layers == "all":
        model.layer_weights.data.copy_(head.layer_weights)
    model.eval()
    _check_same(network, model, front_end.extractor)
    return model, front_end.extractor


@torch.no_grad()
def _check_same(network, model, extractor):
    """Raise RunError unless a second of sound gets the same logits on both ways."""
    device = next(network.parameters()).device
    mode, generator = network.training, torch.Generator().manual_seed(0)
    clip = 0.1 * torch.randn(extractor.sampling_rate, generator=generator)
    ours = network.eval()(clip[None].to(device)).cpu()
    network.train(mode)
    made = extractor(clip.numpy(), sampling_rate=extractor.sampling_rate, return_tensors="pt")
    theirs = model(**made).logits
    off = (ours.softmax(dim=1) - theirs.softmax(dim=1)).abs().max().item()
    if not off <= _TOLERANCE:
        raise RunError(
            f"{type(model).__name__} answers otherwise than what was trained (by {off:.1g}); "
            "please report this with the encoder's name"
        )


def from_native(model, extractor):
    """Network of a model that :func:`to_native` made.

    Arguments
    ---------
    model : PreTrainedModel
        One of Transformers' classes for sequence classification of speech.
    extractor : SequenceFeatureExtractor

    Returns
    -------
    WaveformClassifier
    """
    from ser_lib.features.encoder_families import plain_values
    from ser_lib.features.speech_encoder import SpeechEncoder

    config = model.config
    own = getattr(config, "provenance", {})
    weighted = config.use_weighted_layer_sum
    front_end = SpeechEncoder(
        config.model_type,
        plain_values(config.to_dict(), config.model_type),
        plain_values(extractor.to_dict(), config.model_type),
        layers="all" if weighted else "last",
        # The mean may come before the linear layer or after it.
        pooled=own.get("pooled", True),
    )
    front_end.encoder.load_state_dict(model.base_model.state_dict())
    head = LayerHead(
        config.num_labels, front_end.n_layers, config.hidden_size, config.classifier_proj_size
    )
    head.projector.load_state_dict(model.projector.state_dict())
    temperature = positive(own.get("temperature", 1.0))
    head.classifier.load_state_dict(
        {key: value * temperature for key, value in model.classifier.state_dict().items()}
    )
    if weighted:
        head.layer_weights.data.copy_(model.layer_weights)
    return WaveformClassifier(front_end, None, head, temperature, own.get("absent", ()))


def read_network(folder):
    """Network and class names of a model folder, of either kind.

    Arguments
    ---------
    folder : str or os.PathLike
        As :func:`ser_lib.hub.saving.save_model` writes it.

    Returns
    -------
    network : WaveformClassifier or WaveformEnsemble
        On the CPU, with nothing to train.
    labels : list of str

    Raises
    ------
    ModelFolderError
        If the folder is not a whole model, or not one that was trained here.
    """
    from ser_lib.hub.folder import read_model

    model, extractor = read_model(folder)
    kind = model.config.model_type
    if kind == SERConfig.model_type:
        network = model.network
    elif kind in FAMILIES:
        network = from_native(model, extractor)
    else:
        raise ModelFolderError(
            f"{folder}: {kind!r} models are not trained here; give a model folder of ser_lib"
        )
    # Of a folder nothing is trained any more; only of a frozen encoder kept outputs are read.
    network.requires_grad_(False)
    return network, [model.config.id2label[index] for index in range(model.config.num_labels)]

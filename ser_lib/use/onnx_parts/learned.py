"""What training made of a network, exported by PyTorch: classifiers, and speech encoders."""

import contextlib
import io
import logging
import math
import warnings

import onnx
import torch
from torch import nn
from transformers.models.data2vec.modeling_data2vec_audio import Data2VecAudioPositionalConvLayer

from ser_lib.errors import ModelFolderError
from ser_lib.features.encoder_families import shortest
from ser_lib.features.padded_parts import ClipNorm, ClipPositions
from ser_lib.models.ecapa_tdnn import ECAPAClassifier
from ser_lib.models.waveform_classifier import without
from ser_lib.models.waveform_ensemble import WaveformEnsemble
from ser_lib.use.onnx_parts.graph import OPSET

_MOST_BYTES = 1.9e9
_WHOLE = {ClipNorm: nn.GroupNorm, ClipPositions: Data2VecAudioPositionalConvLayer}


def varies(front_end):
    """Whether a clip's features are the longer, the longer the clip is (bool)."""
    name = front_end.registered_name
    return name == "fbank" or (name == "speech_encoder" and not front_end.pooled)


def of_vectors(network, front_ends):
    """Features of all front ends, flattened and in a row ``(batch, numbers)``, to probabilities.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        In evaluation mode on the CPU; as it was when this returns.
    front_ends : sequence of nn.Module
        Those of the network.

    Returns
    -------
    ModelProto
    """
    given, first = [], 0
    for front_end in front_ends:
        given.append(_Given(first, front_end.shape))
        first += math.prod(front_end.shape)
    with _put_in(network, given):
        rows = torch.rand(2, first)
        lengths = torch.ones(2, dtype=torch.int64)
        batch = torch.export.Dim("batch")
        return _exported(_Probabilities(network), (rows, lengths), ({0: batch}, {0: batch}))


def of_one_clip(network):
    """Features ``(1, ..., frames)`` of a clip and its frames ``(1,)`` to probabilities.

    Arguments
    ---------
    network : WaveformClassifier
        In evaluation mode on the CPU; as it was when this returns.

    Returns
    -------
    ModelProto
    """
    features = torch.rand(1, *network.front_end.shape, 50)
    frames = torch.export.Dim("frames", min=8)
    shapes = ({features.dim() - 1: frames}, None)
    classifier = network.classifier
    if isinstance(classifier, ECAPAClassifier):
        # Clips are repeated up to enough frames before, and nothing is padded.
        classifier.forward = lambda features, lengths: classifier.head(
            classifier.embedding(features.transpose(1, 2)).squeeze(1)
        )
    try:
        return _exported(_Probabilities(network), (features, torch.tensor([50])), shapes)
    finally:
        classifier.__dict__.pop("forward", None)


def of_encoder(front_end):
    """What the encoder of a SpeechEncoder reads, ``(1, ...)``, to states ``(layers, frames, w)``.

    Returns
    -------
    ModelProto
    """
    family, frames = front_end.family, torch.export.Dim("frames", min=4)
    if family == "whisper":
        points = front_end.extractor.nb_max_frames
        inputs, shapes = torch.rand(1, front_end.config.num_mel_bins, points), (None,)
    elif family == "wav2vec2-bert":
        inputs, shapes = torch.rand(1, 49, front_end.config.feature_projection_input_dim), None
        shapes = ({1: frames},)
    else:
        least = shortest(front_end.config)
        inputs = torch.rand(1, 8 * least + 1234)
        shapes = ({1: torch.export.Dim("samples", min=least)},)
    weights = sum(p.numel() * p.element_size() for p in front_end.parameters())
    if weights > _MOST_BYTES:
        raise ModelFolderError(
            f"the encoder has {weights / 1e9:.1f} GB of weights and one ONNX file holds 2 GB; "
            "train a smaller encoder to export it"
        )
    whole = [(m, type(m)) for m in front_end.encoder.modules() if type(m) in _WHOLE]
    try:
        for module, kind in whole:
            module.__class__ = _WHOLE[kind]
        return _exported(_States(front_end), (inputs,), shapes)
    finally:
        for module, kind in whole:
            module.__class__ = kind


class _Given(nn.Module):
    """Stands where a front end stood; its features come in the place of waveforms."""

    autocasts, sample_rate = True, None

    def __init__(self, first, shape):
        super().__init__()
        self.first, self.shape = first, tuple(shape)

    def forward(self, rows, lengths):
        """Its part of the numbers ``(batch, all)``: ``(batch, *shape)``."""
        part = rows[:, self.first : self.first + math.prod(self.shape)]
        return part.reshape(-1, *self.shape), torch.ones_like(lengths)


class _Probabilities(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, inputs, lengths):
        network = self.network
        if getattr(network, "meta", None) is None:
            return network(inputs, lengths).softmax(dim=1)
        # As the ensemble does it, which counts the batch in a way that the exporter takes for ever.
        told = [member(inputs, lengths).softmax(dim=1) for member in network.members]
        logits = network.meta(torch.cat(told, dim=1).unsqueeze(2), lengths)
        logits = logits / getattr(network, "temperature", 1.0)
        return without(logits, network.absent).softmax(dim=1)


class _States(nn.Module):
    def __init__(self, front_end):
        super().__init__()
        self.encoder, self.every = front_end.encoder, front_end.layers == "all"

    def forward(self, inputs):
        output = self.encoder(inputs, attention_mask=None, output_hidden_states=self.every)
        return torch.cat(output.hidden_states) if self.every else output.last_hidden_state


@contextlib.contextmanager
def _put_in(network, given):
    """The network with stand-ins for its front ends."""
    if not isinstance(network, WaveformEnsemble):
        kept, network.front_end = network.front_end, given[0]
        try:
            yield
        finally:
            network.front_end = kept
        return
    kept = list(network.front_ends)
    try:
        _replace(network, given)
        yield
    finally:
        _replace(network, kept)


def _replace(ensemble, front_ends):
    for place, front_end in enumerate(front_ends):
        ensemble.front_ends[place] = front_end
    for source, member in zip(ensemble.sources, ensemble.members, strict=True):
        member.front_end = front_ends[source]


def _exported(module, inputs, shapes):
    """ModelProto of a module, without what the exporter says on its way."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            torch.no_grad(),
        ):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                inputs,
                dynamo=True,
                dynamic_shapes=shapes,
                opset_version=OPSET,
                verbose=False,
            )
        return _with_long_places(program.model_proto)
    except torch.onnx.OnnxExporterError as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(f"PyTorch cannot export this system ({reason})") from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _with_long_places(model):
    """The same with int64 indices where ONNX allows no others, which the exporter overlooks."""
    nodes = []
    for node in model.graph.node:
        if node.op_type in ("ScatterND", "ScatterElements"):
            places = f"{node.output[0]}_places"
            cast = onnx.helper.make_node("Cast", [node.input[1]], [places], name=places)
            cast.attribute.append(onnx.helper.make_attribute("to", onnx.TensorProto.INT64))
            node.input[1] = places
            nodes.append(cast)
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model

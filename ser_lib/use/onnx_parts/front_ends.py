"""Which front end is written how, and the whole graph from waveforms to probabilities.

======================  =================================================================
front end               a batch of clips
======================  =================================================================
log_mel, mfcc,          goes through at once
mel_image
mfcc_means, issa and    a loop in the graph takes the features clip by clip, the
acoustic features,      classifier then takes them at once
spectrogram_picture,
pooled speech_encoder
fbank, speech_encoder   a loop in the graph takes each clip from samples to probabilities
with all its frames
======================  =================================================================

All of them take any number of clips of any lengths, padded with anything. A clip that is not
finite, or whose features are not, gets NaN from every network: recurrent layers and limits would
lose it on the way, and answer with numbers. Trees answer, as they do in PyTorch.
"""

import math

import numpy as np

from ser_lib.errors import ModelFolderError
from ser_lib.models.tree_ensemble import TreeEnsemble
from ser_lib.models.waveform_ensemble import WaveformEnsemble
from ser_lib.use.onnx_parts import acoustic, clipwise, encoder, fixed, issa, learned
from ser_lib.use.onnx_parts.graph import Graph, Value

BATCHES = {"log_mel": fixed.log_mel, "mfcc": fixed.mfcc, "mel_image": fixed.mel_image}
CLIPS = {
    "mfcc_means": clipwise.mfcc_means,
    "spectrogram_picture": clipwise.spectrogram_picture,
    "issa_features": issa.issa_features_of,
    "acoustic_features": acoustic.acoustic_features,
    "fbank": clipwise.fbank,
    "speech_encoder": encoder.speech_encoder,
}


def learned_parts(network):
    """Encoders (one a front end, None for those without) and classifier, as ModelProtos.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        In evaluation mode on the CPU.

    Raises
    ------
    ModelFolderError
        If a part cannot be written.
    """
    front_ends = _front_ends(network)
    for front_end in front_ends:
        if front_end.registered_name not in {**BATCHES, **CLIPS}:
            raise ModelFolderError(
                f"nobody has written {front_end.registered_name!r} for ONNX yet; use PyTorch, or "
                "add it to ser_lib/use/onnx_parts"
            )
    varying = any(map(learned.varies, front_ends))
    if varying and isinstance(network, WaveformEnsemble):
        raise ModelFolderError(
            "an ensemble with a front end of changing length has no ONNX form; export its members"
        )
    encoders = [
        learned.of_encoder(front_end) if hasattr(front_end, "encoder") else None
        for front_end in front_ends
    ]
    head = learned.of_one_clip(network) if varying else learned.of_vectors(network, front_ends)
    return encoders, head


def _front_ends(network):
    return list(getattr(network, "front_ends", None) or [network.front_end])


def whole(network, parts, metadata):
    """Waveforms ``(batch, time)`` and lengths ``(batch,)`` to probabilities ``(batch, classes)``.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
    parts : tuple
        Its :func:`learned_parts`, or lighter ones in their place.
    metadata : dict
        Text by key, kept in the model.

    Returns
    -------
    model : ModelProto
    way : str
        How a batch goes through: ``"at once"``, ``"features clip by clip"`` or ``"clip by clip"``.
    """
    (encoders, head), front_ends = parts, _front_ends(network)
    varying = any(map(learned.varies, front_ends))

    g = Graph()
    waveforms, lengths = Value(g, "waveforms", np.float32), Value(g, "lengths", np.int64)
    if varying:
        way = "clip by clip"
        made = _clip_by_clip(g, network, waveforms, lengths, encoders[0], head)
    else:
        rows = [
            features(g, front_end, waveforms, lengths, model).reshape(
                -1, math.prod(front_end.shape)
            )
            for front_end, model in zip(front_ends, encoders, strict=True)
        ]
        ones = g.op("Expand", np.int64(1), g.op("Shape", lengths, dtype=np.int64))
        together = g.concat(rows, 1)
        made = g.embed(head, [together, ones][: len(head.graph.input)])
        if not _only_trees(network):
            inside = g.range(waveforms.size(1)) < lengths.unsqueeze(1)
            heard = inside.where(waveforms, 0.0)
            made = made + _nothing(heard, 1) + _nothing(together, 1)
        at_once = all(front_end.registered_name in BATCHES for front_end in front_ends)
        way = "at once" if at_once else "features clip by clip"
    inputs = [
        ("waveforms", np.float32, ["batch", "time"]),
        ("lengths", np.int64, ["batch"]),
    ]
    outputs = [(("probabilities", made), np.float32, ["batch", network.n_classes])]
    models = [model for model in (*encoders, head) if model is not None]
    domains = {opset.domain: opset.version for model in models for opset in model.opset_import}
    return g.model(inputs, outputs, metadata, domains), way


def features(g, front_end, waveforms, lengths, model=None):
    """Features ``(batch, ...)`` of a front end whose clips all have the same shape.

    Arguments
    ---------
    model : ModelProto or None
        Of the encoder, where the front end has one.
    """
    name = front_end.registered_name
    if name in BATCHES:
        return BATCHES[name](g, front_end, waveforms, lengths)

    def body(inner, row):
        clip = _one_clip(inner.here(waveforms), inner.here(lengths), row)
        return [_of_clip(inner, front_end, clip, model)]

    return g.loop(waveforms.size(0), body)[0]


def _clip_by_clip(g, network, waveforms, lengths, model, head):
    front_end, axis = network.front_end, len(network.front_end.shape)
    # ECAPA-TDNN repeats what is shorter.
    fewest = getattr(network.classifier, "fewest_frames", 1)

    def body(inner, row):
        clip = _one_clip(inner.here(waveforms), inner.here(lengths), row)
        made = _of_clip(inner, front_end, clip, model)
        frames = made.size(axis)
        if fewest > 1:
            again = inner.op("Mod", inner.range(frames.at_least(fewest)), frames)
            frames, made = frames.at_least(fewest), made.take(again, axis=axis)
        words = [made.unsqueeze(0), inner.list(frames)][: len(head.graph.input)]
        carried = _nothing(clip, 0).squeeze(0) + _nothing(made.reshape(-1), 0).squeeze(0)
        return [inner.embed(head, words).squeeze(0) + carried]

    return g.loop(waveforms.size(0), body)[0]


def _only_trees(network):
    classifiers = getattr(network, "classifiers", None) or [network.classifier]
    return all(isinstance(classifier, TreeEnsemble) for classifier in classifiers)


def _nothing(values, axis):
    """Zero for each row of finite numbers, else NaN."""
    return (values * 0.0).sum(axis, keep=True)


def _of_clip(g, front_end, clip, model):
    words = (front_end, clip) if model is None else (front_end, clip, model)
    return CLIPS[front_end.registered_name](g, *words)


def _one_clip(waveforms, lengths, row):
    """Samples ``(time,)`` of a row without its padding; of nothing at all, one of silence."""
    clip, length = waveforms.take(row), lengths.take(row)
    heard = length.at_most(waveforms.size(1)).at_least(0)
    return clip.cut(0, heard).pad(0, (1 - heard).at_least(0), axis=0, axes=1)


def only_features(front_end):
    """A model that is nothing but a front end (ModelProto), to compare it with the original."""
    g = Graph()
    made = features(g, front_end, Value(g, "waveforms", np.float32), Value(g, "lengths", np.int64))
    inputs = [("waveforms", np.float32, ["b", "t"]), ("lengths", np.int64, ["b"])]
    shape = ["b", *front_end.shape, *(["f"] if learned.varies(front_end) else [])]
    return g.model(inputs, [(("features", made), np.float32, shape)], {})

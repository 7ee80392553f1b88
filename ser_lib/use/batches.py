"""Clips through a classifier, many at a time, each with the answer that it gets alone."""

import itertools

import numpy as np

from ser_lib.errors import ModelFolderError


def labels(classify):
    """Class names of a classifier, in the order of its logits (list of str).

    Arguments
    ---------
    classify : SERPipeline
        As :func:`ser_lib.load` returns it.

    Raises
    ------
    ModelFolderError
        If it predicts numbers, such as arousal, and no classes.
    """
    config = classify.model.config
    if config.problem_type == "regression":
        raise ModelFolderError(
            f"{config.name_or_path or 'the model'} predicts numbers ({config.model_type}, "
            "regression), not emotions; choose a classifier"
        )
    return [config.id2label[index] for index in range(config.num_labels)]


def mixes_lengths(classify):
    """Whether clips of different lengths may share a batch without changing each other (bool).

    Ours may. Of Transformers' own classes those may not that see the padding: without a mask, with
    statistics over all of a batch's time (group norm), or with position convolutions that make
    sound of it (data2vec's, and those behind HuBERT's batch norm).
    """
    from ser_lib.hub.configuration import SERConfig

    config = classify.model.config
    if config.model_type == SERConfig.model_type:
        return True
    masked = getattr(classify.feature_extractor, "return_attention_mask", False)
    heard = (
        getattr(config, "feat_extract_norm", "layer") == "group"
        or config.model_type == "data2vec-audio"
        or getattr(config, "conv_pos_batch_norm", False)
    )
    return bool(masked) and not heard


def probabilities(classify, inputs):
    """Probability of every class for some clips.

    Arguments
    ---------
    classify : SERPipeline
    inputs : sequence of dict
        One a clip, as ``classify.preprocess`` returns it; together they are one batch, or one
        for each length where the model asks for that.

    Returns
    -------
    np.ndarray
        float64, ``(clips, classes)``; a softmax, or a sigmoid of each class where the model says
        that several are true at once.
    """
    found = np.zeros((len(inputs), classify.model.config.num_labels))
    places = range(len(inputs))
    if mixes_lengths(classify):
        groups = [list(places)] if len(inputs) else []
    else:
        places = sorted(places, key=lambda place: _shape(inputs[place]))
        groups = [list(g) for _, g in itertools.groupby(places, lambda p: _shape(inputs[p]))]
    for group in groups:
        batch = _padded([inputs[place] for place in group], classify.feature_extractor)
        logits = classify.forward(batch).logits.double()
        many = classify.model.config.problem_type == "multi_label_classification"
        found[group] = (logits.sigmoid() if many else logits.softmax(dim=-1)).cpu().numpy()
    return found


def _shape(inputs):
    return [tuple(value.shape) for value in inputs.values()]


def _padded(inputs, extractor):
    """One dict of tensors ``(clips, longest, ...)``."""
    batch = {}
    for key in inputs[0]:
        parts = [one[key] for one in inputs]
        longest = max(part.shape[1] for part in parts)
        value = 0 if "mask" in key else getattr(extractor, "padding_value", 0.0)
        whole = parts[0].new_full((len(parts), longest, *parts[0].shape[2:]), value)
        for row, part in zip(whole, parts, strict=True):
            row[: part.shape[1]] = part[0]
        batch[key] = whole if len(parts) > 1 else parts[0]
    return batch


def batched(classify, inputs, batch_size):
    """:func:`probabilities` of an iterable of inputs, ``batch_size`` at a time.

    Returns
    -------
    np.ndarray
        float64, ``(clips, classes)``. Only one batch of inputs is held at once.
    """
    inputs, found = iter(inputs), []
    while batch := list(itertools.islice(inputs, batch_size)):
        found.append(probabilities(classify, batch))
    return np.concatenate(found) if found else np.zeros((0, classify.model.config.num_labels))

"""Weights in eight bits: products and recurrent layers compute with them, convolutions unpack them.

Only what was learned is touched; front ends stay exact.
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

_COMPUTED = ["MatMul", "Gemm", "LSTM"]
_FEWEST = 1024  # numbers; smaller weights are not worth a scale a channel


def lighter(model):
    """The same learned part with int8 weights; a part without such weights as it is.

    Products and LSTMs become onnxruntime's dynamically quantised ones, with a scale for each tensor
    of activations; a convolution's weights get a scale a channel and are unpacked before it.

    Arguments
    ---------
    model : ModelProto

    Returns
    -------
    ModelProto
    """
    weights = {weight.name for weight in model.graph.initializer}
    reading = {node.op_type for node in model.graph.node if weights & set(node.input)}
    if reading & set(_COMPUTED):
        model = _computed(model)
    elif "Conv" in reading:
        whole, model = model, onnx.ModelProto()
        model.CopyFrom(whole)
    if "Conv" in reading:
        _unpacked(model)
    return model


def _computed(model):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root, level = logging.getLogger(), logging.getLogger().level
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        plain = onnx.ModelProto()
        plain.CopyFrom(model)
        # Shapes that PyTorch noted contradict weights that quantisation transposes.
        del plain.graph.value_info[:]
        onnx.save(plain, before)
        try:
            # It advises to prepare the model, on the root logger.
            root.setLevel(logging.ERROR)
            quantize_dynamic(
                before, after, op_types_to_quantize=_COMPUTED, weight_type=QuantType.QInt8
            )
        finally:
            root.setLevel(level)
        return onnx.load(after)


def _unpacked(model):
    graph = model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    nodes, done = [], {}
    for node in graph.node:
        name = node.input[1] if node.op_type == "Conv" else None
        if name in weights and np.prod(weights[name].dims) >= _FEWEST:
            if name not in done:
                array = numpy_helper.to_array(weights[name])
                scale = np.abs(array).reshape(len(array), -1).max(axis=1) / 127
                scale = np.where(scale == 0, 1, scale).astype(np.float32)
                shape = (-1, *[1] * (array.ndim - 1))
                whole = np.round(array / scale.reshape(shape)).astype(np.int8)
                done[name] = f"{name}_unpacked"
                words = [f"{name}_int8", f"{name}_scale"]
                for word, values in zip(words, (whole, scale), strict=True):
                    graph.initializer.append(numpy_helper.from_array(values, word))
                nodes.append(
                    helper.make_node(
                        "DequantizeLinear", words, [done[name]], name=done[name], axis=0
                    )
                )
            node.input[1] = done[name]
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    read = {word for node in graph.node for word in node.input}
    kept = [w for w in graph.initializer if w.name not in done or w.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)

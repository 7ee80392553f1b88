"""A writer of ONNX graphs in which values add and multiply like arrays.

A front end that is written with it becomes nodes of the standard's operators, the Fourier transform
among them, which no exporter has to guess. Opset 18.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 18, 10
_SAME = {np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64), np.dtype(bool)}


class Value:
    """One value of a graph: its name, its type, and the graph it can be used in.

    Numbers beside it in sums, products and comparisons take its type.
    """

    def __init__(self, graph, name, dtype):
        self.graph, self.name, self.dtype = graph, name, np.dtype(dtype)

    def _with(self, kind, other, swap=False, dtype=None):
        other = other if isinstance(other, Value) else np.asarray(other, self.dtype)
        pair = (other, self) if swap else (self, other)
        return self.graph.op(kind, *pair, dtype=dtype or self.dtype)

    def __add__(self, other):
        return self._with("Add", other)

    def __sub__(self, other):
        return self._with("Sub", other)

    def __rsub__(self, other):
        return self._with("Sub", other, swap=True)

    def __mul__(self, other):
        return self._with("Mul", other)

    def __truediv__(self, other):
        return self._with("Div", other)

    def __rtruediv__(self, other):
        return self._with("Div", other, swap=True)

    def __matmul__(self, other):
        return self._with("MatMul", other)

    def __lt__(self, other):
        return self._with("Less", other, dtype=bool)

    def __le__(self, other):
        return self._with("LessOrEqual", other, dtype=bool)

    def __gt__(self, other):
        return self._with("Greater", other, dtype=bool)

    def __ge__(self, other):
        return self._with("GreaterOrEqual", other, dtype=bool)

    def __neg__(self):
        return self.graph.op("Neg", self)

    __radd__, __rmul__ = __add__, __mul__

    def at_least(self, other):
        """The larger of the two, cell by cell."""
        return self._with("Max", other)

    def at_most(self, other):
        """The smaller of the two, cell by cell."""
        return self._with("Min", other)

    def __getattr__(self, name):
        """One-operator functions by name: ``sqrt``, ``exp``, ``log``, ``abs``, ``floor``."""
        kinds = {"sqrt": "Sqrt", "exp": "Exp", "log": "Log", "abs": "Abs", "floor": "Floor"}
        if name not in kinds:
            raise AttributeError(name)
        return lambda: self.graph.op(kinds[name], self)

    def square(self):
        """Times itself."""
        return self * self

    def decibels(self, floor):
        """Ten times the decimal logarithm, of no less than ``floor``."""
        return self.at_least(floor).log() * (10 / np.log(10))

    def cast(self, dtype):
        """As another type."""
        to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.graph.op("Cast", self, to=to, dtype=dtype)

    def size(self, axis):
        """Length of an axis, int64 without axes."""
        shape = self.graph.op("Shape", self, dtype=np.int64)
        return self.graph.op("Gather", shape, np.int64(axis), axis=0)

    def take(self, indices, axis=0):
        """Slices at ``indices`` (any shape) of an axis."""
        return self.graph.op("Gather", self, _int64(indices), axis=axis)

    def cut(self, start, end, axis=0, step=1):
        """From ``start`` up to before ``end`` along an axis, numbers or values without axes."""
        g = self.graph
        return g.op("Slice", self, g.list(start), g.list(end), g.list(axis), g.list(step))

    def pad(self, before, after, axis, axes, value=0):
        """Constant cells before and after along one of ``axes`` axes (numbers or values)."""
        g, zero = self.graph, np.int64(0)
        first = [before if a == axis else zero for a in range(axes)]
        last = [after if a == axis else zero for a in range(axes)]
        return g.op("Pad", self, g.list(*first, *last), np.asarray(value, self.dtype))

    def reshape(self, *sizes):
        """Another shape; sizes are numbers or values without axes."""
        return self.graph.op("Reshape", self, self.graph.list(*sizes))

    def unsqueeze(self, *axes):
        """New axes of length 1."""
        return self.graph.op("Unsqueeze", self, np.array(axes, np.int64))

    def squeeze(self, *axes):
        """Without axes of length 1."""
        return self.graph.op("Squeeze", self, np.array(axes, np.int64))

    def transpose(self, *order):
        """Axes in another order."""
        return self.graph.op("Transpose", self, perm=list(order))

    def reduce(self, kind, *axes, keep=False):
        """``Sum``, ``Mean``, ``Max`` or ``Min`` over axes, all of them by default."""
        words = [np.array(axes, np.int64)] if axes else []
        return self.graph.op(f"Reduce{kind}", self, *words, keepdims=int(keep))

    def mean(self, *axes, keep=False):
        """Mean over axes."""
        return self.reduce("Mean", *axes, keep=keep)

    def sum(self, *axes, keep=False):
        """Sum over axes."""
        return self.reduce("Sum", *axes, keep=keep)

    def max(self, *axes, keep=False):
        """Largest over axes."""
        return self.reduce("Max", *axes, keep=keep)

    def min(self, *axes, keep=False):
        """Smallest over axes."""
        return self.reduce("Min", *axes, keep=keep)

    def where(self, true, false):
        """``true`` where this condition holds, ``false`` elsewhere; one of them is a value."""
        dtype = (true if isinstance(true, Value) else false).dtype
        pair = [v if isinstance(v, Value) else np.asarray(v, dtype) for v in (true, false)]
        return self.graph.op("Where", self, *pair, dtype=dtype)


class Graph:
    """Nodes in the making; the weights of all graphs inside each other lie in the outermost one.

    Arguments
    ---------
    outer : Graph or None
        The graph that this one is a part of, as the body of a loop is.
    """

    def __init__(self, outer=None):
        self.nodes, self.root = [], self if outer is None else outer.root
        if outer is None:
            self.weights, self._known, self._names = {}, {}, 0

    def name(self, stem="v"):
        """A name that nothing has yet."""
        self.root._names += 1
        return f"{stem}_{self.root._names}"

    def const(self, array):
        """A constant (Value), stored once however often it is asked for."""
        array = np.asarray(array)
        if array.dtype not in _SAME and array.dtype.kind in "iu":
            array = array.astype(np.int64)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.root._known:
            name = self.name("c")
            self.root.weights[name] = numpy_helper.from_array(array.copy(), name)
            self.root._known[key] = name
        return Value(self, self.root._known[key], array.dtype)

    def op(self, kind, *inputs, dtype=None, outputs=1, **attributes):
        """One operator; gives its output, or a list of several.

        Arguments
        ---------
        kind : str
            ONNX's name of it.
        *inputs : Value, array or None
        dtype : type or sequence of type, optional
            Of the outputs; that of the first input by default.
        outputs : int
            How many.
        **attributes
            Of the node.
        """
        values = [v if isinstance(v, Value) or v is None else self.const(v) for v in inputs]
        names = [self.name() for _ in range(outputs)]
        words = ["" if v is None else v.name for v in values]
        self.nodes.append(helper.make_node(kind, words, names, **attributes))
        dtypes = dtype if isinstance(dtype, (list, tuple)) else [dtype] * outputs
        made = [Value(self, n, d or values[0].dtype) for n, d in zip(names, dtypes, strict=True)]
        return made[0] if outputs == 1 else made

    def concat(self, values, axis):
        """Values one after the other along an axis."""
        return self.op("Concat", *values, axis=axis)

    def list(self, *items):
        """int64 ``(n,)`` of numbers, or values without axes."""
        if not any(isinstance(item, Value) for item in items):
            return self.const(np.array(items, np.int64))
        one = np.array([1], np.int64)
        parts = [
            self.op("Reshape", item, one) if isinstance(item, Value) else _int64([item])
            for item in items
        ]
        parts = [part if isinstance(part, Value) else self.const(part) for part in parts]
        return parts[0] if len(parts) == 1 else self.concat(parts, 0)

    def range(self, end):
        """Whole numbers from 0 up to before ``end``, a number or value."""
        if not isinstance(end, Value):
            return self.const(np.arange(end))
        return self.op("Range", np.int64(0), end, np.int64(1), dtype=np.int64)

    def here(self, value):
        """The same value as one of this graph (an inner graph sees those of the outer ones)."""
        return Value(self, value.name, value.dtype)

    def loop(self, count, body):
        """Run ``body(graph, i)`` for every number below ``count``; its values, stacked.

        Arguments
        ---------
        count : Value
            int64 without axes.
        body : callable
            Takes the inner graph and the number (Value) and returns a list of Values.

        Returns
        -------
        list of Value
            Those of ``body`` with an axis in front.
        """
        inner = Graph(self)
        step, on, still = (self.name(stem) for stem in ("i", "on", "still"))
        results = body(inner, Value(inner, step, np.int64))
        inner.nodes.append(helper.make_node("Identity", [on], [still]))
        names = [self.name("row") for _ in results]
        for value, name in zip(results, names, strict=True):
            inner.nodes.append(helper.make_node("Identity", [value.name], [name]))
        info = helper.make_tensor_value_info
        types = [helper.np_dtype_to_tensor_dtype(value.dtype) for value in results]
        graph = helper.make_graph(
            inner.nodes,
            self.name("body"),
            [info(step, TensorProto.INT64, []), info(on, TensorProto.BOOL, [])],
            [info(still, TensorProto.BOOL, [])]
            + [info(name, kind, None) for name, kind in zip(names, types, strict=True)],
        )
        true = self.const(np.array(True))
        stacked = [self.name("rows") for _ in results]
        self.nodes.append(helper.make_node("Loop", [count.name, true.name], stacked, body=graph))
        return [Value(self, n, v.dtype) for n, v in zip(stacked, results, strict=True)]

    def embed(self, model, inputs):
        """The nodes of another model with its weights; its first output.

        Arguments
        ---------
        model : ModelProto
            Without functions of its own.
        inputs : sequence of Value
            What it reads, in its order.
        """
        inner, prefix = model.graph, self.name("net") + "/"
        names = {i.name: v.name for i, v in zip(inner.input, inputs, strict=True)}
        for weight in inner.initializer:
            names[weight.name] = prefix + weight.name
            kept = onnx.TensorProto()
            kept.CopyFrom(weight)
            kept.name = names[weight.name]
            self.root.weights[kept.name] = kept
        for node in inner.node:
            self.nodes.append(_renamed(node, names, prefix))
        output = inner.output[0]
        kind = helper.tensor_dtype_to_np_dtype(output.type.tensor_type.elem_type)
        return Value(self, names[output.name], kind)

    def model(self, inputs, outputs, metadata, domains=None):
        """The whole as a ModelProto.

        Arguments
        ---------
        inputs, outputs : sequence of tuple
            Name or Value, type and shape (numbers, or names of sizes).
        metadata : dict
            Text by key.
        domains : dict
            Version by name, of operators beyond the standard's.
        """
        nodes, ends = list(self.nodes), []
        for (name, value), dtype, shape in outputs:
            nodes.append(helper.make_node("Identity", [value.name], [name]))
            ends.append(_info(name, dtype, shape))
        graph = helper.make_graph(
            nodes,
            "ser_lib",
            [_info(name, dtype, shape) for name, dtype, shape in inputs],
            ends,
            list(self.weights.values()),
        )
        opsets = {**(domains or {}), "": OPSET}
        opsets = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        model.producer_name = "ser_lib"
        helper.set_model_props(model, metadata)
        return model


def _info(name, dtype, shape):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, shape)


def _int64(indices):
    return indices if isinstance(indices, Value) else np.asarray(indices, np.int64)


def _renamed(node, names, prefix):
    """A copy of a node with its values under other names, those of inner graphs too."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = prefix + node.name
    copy.input[:] = [names.get(word, prefix + word) if word else "" for word in node.input]
    for word in node.output:
        names[word] = prefix + word if word else ""
    copy.output[:] = [names[word] for word in node.output]
    for attribute in copy.attribute:
        for graph in [attribute.g] if attribute.HasField("g") else list(attribute.graphs):
            for entry in (*graph.input, *graph.initializer):
                names[entry.name] = prefix + entry.name
                entry.name = names[entry.name]
            inner = [_renamed(child, names, prefix) for child in graph.node]
            del graph.node[:]
            graph.node.extend(inner)
            for entry in graph.output:
                entry.name = names[entry.name]
            del graph.value_info[:]
    return copy

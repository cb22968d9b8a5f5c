"""Random quantised networks: convolutions, branches, pooling, gates and attention.

Steps of quantisers are powers of two and sums are small, so that floats hold products and sums exactly. Some
operators (a Softmax, say) are not exact in floats; what they give is then quantised, and a network in which
such a number lies on the border between two codes has no one right answer: `Network.is_ambiguous` tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2, prod, sqrt

import numpy as np
import onnx
from hypothesis import strategies as st
from random_graphs import Codes, Graph, Operand, activations, biases, quantisations, quantized, weights

from cimc.runtime.arrays import Array

BORDER = 1e-3
"""How far, in steps, a number must stay away from what rounds otherwise."""


@dataclass(frozen=True)
class Value:
    """A value of the graph."""

    name: str
    shape: tuple[int, ...]
    size: float
    """About how large its numbers are."""
    step: float | None = None
    """What its numbers are multiples of, if it comes from a quantiser."""


@dataclass
class Network:
    """A network under construction."""

    draw: st.DrawFn
    graph: Graph = field(default_factory=Graph)
    rounded: dict[str, float] = field(default_factory=dict[str, float])
    """Values that are quantised though they are not exact, and the steps that they are rounded to."""
    stored: dict[tuple[int, ...], Operand] = field(default_factory=dict[tuple[int, ...], Operand])
    """The last weights of each axis of outputs and shape, which another layer may share."""
    count: int = 0

    @property
    def inputs(self) -> dict[str, Array]:
        return self.graph.inputs

    def model(self, output: Value) -> onnx.ModelProto:
        return self.graph.model(output.name, output.shape)

    def is_ambiguous(self, values: Mapping[str, Array]) -> bool:
        """Whether a number lies on the border between two codes, given those of `rounded`."""
        for name, step in self.rounded.items():
            steps = values[name].astype(np.float64) / step
            if np.any(np.abs(steps - np.floor(steps) - 0.5) < BORDER):
                return True
        return False

    def flip(self) -> bool:
        return self.draw(st.booleans())

    def between(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind.lower()}{self.count}"

    def add(
        self,
        op_type: str,
        inputs: Sequence[Value | str],
        shape: Sequence[int],
        size: float,
        **attributes: object,
    ) -> Value:
        names = [value if isinstance(value, str) else value.name for value in inputs]
        return Value(self.graph.add(op_type, names, self.name(op_type), **attributes), tuple(shape), size)

    def integers(self, values: Sequence[int]) -> str:
        return self.graph.constant(self.name("ints"), np.array(values, np.int64))

    def quantisation(self, value: Value) -> tuple[Codes, int, float]:
        """Codes, zero point and step of a quantiser whose range is about that of a value."""
        kind, zero, _ = self.draw(quantisations(st.just(1.0)))
        exponent = round(log2(max(value.size, 2.0**-12))) - kind.bits + self.between(0, 2)
        return kind, zero, 2.0**exponent

    def quantized(
        self, value: Value, like: tuple[Codes, int, float] | None = None, *, exact: bool = True
    ) -> Value:
        """A value through a quantiser."""
        kind, zero, step = like or self.quantisation(value)
        if not exact:
            self.rounded[value.name] = step
        name = quantized(self.draw, self.graph, value.name, kind, zero, step)
        largest = max(abs(kind.low - zero), abs(kind.high - zero)) * step
        return Value(name, value.shape, min(value.size, largest), step)

    def weights(self, shape: tuple[int, ...], axis: int) -> Operand:
        key = (axis, *shape)
        if key not in self.stored or self.between(0, 3):
            self.stored[key] = self.draw(weights(self.graph, shape, axis, self.name("weights")))
        return self.stored[key]

    def bias(self, x: Value, w: Operand, outputs: int) -> tuple[list[str], float]:
        """A bias in steps of the sums of a layer, if it is to have one, and about how large it is."""
        if x.step is None:
            return [], 0.0
        names, values = self.draw(biases(self.graph, x.step * w.scale, outputs, self.name("bias")))
        return names, _size(values)


def sums_size(x: Value, w: Operand, products: int) -> float:
    """About how large sums of products are."""
    return x.size * _size(w.codes * w.scale) * sqrt(products)


def _size(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def convolution(net: Network, x: Value, *, keeps_size: bool = False) -> Value:
    """A convolution of pictures, of one or two dimensions, that may be grouped, strided and dilated."""
    rank, channels = len(x.shape) - 2, x.shape[1]
    groups = net.draw(st.sampled_from([n for n in (1, 1, 2, 3, channels) if channels % n == 0]))
    outputs = channels if keeps_size else groups * net.between(1, max(1, 4 // groups))
    kernel = [2 * net.between(0, 1) + 1 if keeps_size else net.between(1, 3) for _ in range(rank)]
    dilations = [1 if keeps_size else net.between(1, 2) for _ in range(rank)]
    strides = [1 if keeps_size else net.between(1, 2) for _ in range(rank)]
    reach = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if keeps_size:
        pads = [r // 2 for r in reach] * 2
    else:
        ends = [max(net.between(0, 1), r + 1 - s) for r, s in zip(reach, x.shape[2:], strict=True)]
        pads = [*(net.between(0, 1) for _ in range(rank)), *ends]
    shape = [
        (s + pads[i] + pads[rank + i] - reach[i] - 1) // strides[i] + 1 for i, s in enumerate(x.shape[2:])
    ]
    w = net.weights((outputs, channels // groups, *kernel), 0)
    bias, size = net.bias(x, w, outputs)
    return net.add(
        "Conv",
        [x, w.name, *bias],
        (x.shape[0], outputs, *shape),
        max(size, sums_size(x, w, channels // groups * prod(kernel))),
        group=groups,
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
    )


ACTIVATIONS = ("none", "Relu", "Relu", "Clip", "LeakyRelu", "HardSwish", "Gelu", "Tanh")


def activation(net: Network, x: Value) -> Value:
    """An activation function and its quantiser."""
    kind = net.draw(st.sampled_from(ACTIVATIONS))
    match kind:
        case "none":
            return net.quantized(x)
        case "Clip":
            low = net.graph.constant(net.name("low"), np.array(0, np.float32))
            high = net.graph.constant(net.name("high"), np.array(6, np.float32))
            return net.quantized(net.add("Clip", [x, low, high], x.shape, min(x.size, 6)))
        case "LeakyRelu":
            return net.quantized(net.add("LeakyRelu", [x], x.shape, x.size, alpha=0.25))
        case "Relu":
            return net.quantized(net.add("Relu", [x], x.shape, x.size))
        case _:
            size = 1.0 if kind == "Tanh" else x.size
            return net.quantized(net.add(kind, [x], x.shape, size), exact=False)


def pooling(net: Network, x: Value) -> Value:
    """Pooling; averages are quantised again, or stay sums on a finer grid."""
    rank = len(x.shape) - 2
    stride = net.between(1, 2)
    window = {"kernel_shape": [2] * rank, "pads": [0] * rank + [1] * rank, "strides": [stride] * rank}
    shape = (*x.shape[:2], *((s - 1) // stride + 1 for s in x.shape[2:]))
    if net.flip():
        return net.add("MaxPool", [x], shape, x.size, **window)
    pooled = net.add("AveragePool", [x], shape, x.size, **window, count_include_pad=1)
    return net.quantized(pooled) if net.flip() else pooled


def residual(net: Network, x: Value) -> Value:
    """A convolution and what goes around it, added."""
    left = convolution(net, x, keeps_size=True)
    if net.flip():
        left = convolution(net, activation(net, left), keeps_size=True)
    if net.flip():
        left = net.quantized(left)
    right = x if net.flip() else convolution(net, x, keeps_size=True)
    return activation(net, net.add("Add", [left, right], x.shape, max(left.size, right.size)))


def gate(net: Network, x: Value) -> Value:
    """Squeeze and excitation: a factor for each channel from their averages."""
    ones = (*x.shape[:2], *[1] * (len(x.shape) - 2))
    mean = net.quantized(net.add("GlobalAveragePool", [x], ones, x.size / 2), exact=False)
    w = net.weights((x.shape[1], x.shape[1], *ones[2:]), 0)
    sums = net.add("Conv", [mean, w.name], ones, sums_size(mean, w, x.shape[1]))
    factors = net.quantized(net.add("Sigmoid", [sums], ones, 1.0), exact=False)
    return net.quantized(net.add("Mul", [x, factors], x.shape, x.size))


def branches(net: Network, x: Value) -> Value:
    """Two convolutions side by side, with quantisers that are their own, alike, or behind both."""
    both = [convolution(net, x, keeps_size=True) for _ in range(2)]
    form = net.draw(st.sampled_from(["own", "alike", "behind"]))
    if form != "behind":
        like = net.quantisation(both[0]) if form == "alike" else None
        both = [net.quantized(value, like) for value in both]
    shape = (x.shape[0], 2 * x.shape[1], *x.shape[2:])
    joined = net.add("Concat", both, shape, max(value.size for value in both), axis=1)
    return joined if form == "alike" else net.quantized(joined)


def attention(net: Network, x: Value) -> Value:
    """Attention of `x`, batch x tokens x features, with one or two heads, and what goes around it."""
    batch, tokens, features = x.shape
    heads, size = net.between(1, 2), net.between(1, 3)
    split = net.integers([batch, tokens, heads, size])

    def projected(perm: Sequence[int], shape: Sequence[int]) -> Value:
        w = net.weights((features, heads * size), 1)
        y = net.add("MatMul", [x, w.name], (batch, tokens, heads * size), sums_size(x, w, features))
        y = net.add("Reshape", [net.quantized(y), split], (batch, tokens, heads, size), y.size)
        return net.add("Transpose", [y], shape, y.size, perm=perm)

    q = projected((0, 2, 1, 3), (batch, heads, tokens, size))
    k = projected((0, 2, 3, 1), (batch, heads, size, tokens))
    v = projected((0, 2, 1, 3), (batch, heads, tokens, size))
    scores = net.add("MatMul", [q, k], (batch, heads, tokens, tokens), q.size * k.size * sqrt(size))
    power = 2.0 ** -round(log2(max(scores.size, 1)))
    factor = net.graph.constant(net.name("factor"), np.array(power, np.float32))
    scaled = net.add("Mul", [scores, factor], scores.shape, 1.0)
    shares = net.quantized(net.add("Softmax", [scaled], scores.shape, 1.0, axis=-1), exact=False)
    mixed = net.add("MatMul", [shares, v], v.shape, v.size)
    mixed = net.add("Transpose", [mixed], (batch, tokens, heads, size), v.size, perm=(0, 2, 1, 3))
    joined = net.integers([batch, tokens, heads * size])
    mixed = net.quantized(net.add("Reshape", [mixed, joined], (batch, tokens, heads * size), v.size))
    w = net.weights((heads * size, features), 1)
    y = net.add("MatMul", [mixed, w.name], x.shape, sums_size(mixed, w, heads * size))
    y = net.quantized(y) if net.flip() else y
    return net.quantized(net.add("Add", [x, y], x.shape, max(x.size, y.size)))


def to_tokens(net: Network, x: Value) -> Value:
    batch, channels, tokens = x.shape[0], x.shape[1], prod(x.shape[2:])
    flat = net.add("Reshape", [x, net.integers([batch, channels, tokens])], (batch, channels, tokens), x.size)
    return net.add("Transpose", [flat], (batch, tokens, channels), x.size, perm=(0, 2, 1))


def dense(net: Network, x: Value) -> Value:
    """A dense layer on all that there is of a sample."""
    features = prod(x.shape[1:])
    flat = net.add("Flatten", [x], (x.shape[0], features), x.size)
    w = net.weights((3, features), 0)
    bias, size = net.bias(x, w, 3)
    size = max(size, sums_size(x, w, features))
    return net.add("Gemm", [flat, w.name, *bias], (x.shape[0], 3), size, transB=1)


def layer(net: Network, x: Value) -> Value:
    """A convolution and its activation function."""
    return activation(net, convolution(net, x))


BLOCKS = {
    "layer": layer,
    "pool": pooling,
    "residual": residual,
    "gate": gate,
    "branches": branches,
}


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, Value]:
    """A few blocks on pictures of one or two dimensions, then attention, a dense layer, or neither."""
    net = Network(draw)
    sizes = [draw(st.integers(2, 5)) for _ in range(draw(st.integers(1, 2)))]
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 4)), *sizes)
    operand = draw(activations(net.graph, "x", shape))
    size = float(np.abs(operand.codes).mean() * operand.scale)
    x = Value(operand.name, shape, size, float(operand.scale))
    x = layer(net, x)
    for kind in draw(st.lists(st.sampled_from(sorted(BLOCKS)), max_size=2)):
        x = BLOCKS[kind](net, x)
    end = draw(st.sampled_from(["none", "dense", "attention", "attention and dense"]))
    if "attention" in end:
        x = attention(net, to_tokens(net, x))
    return net, dense(net, x) if "dense" in end else x

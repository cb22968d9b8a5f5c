"""ONNX graphs under construction, and random quantised operands of them.

All scales are powers of two and all sums small, so that floats hold every number exactly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
import onnxruntime
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from cimc.runtime.arrays import Array


@dataclass
class Graph:
    """An ONNX graph under construction."""

    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    initializers: list[onnx.TensorProto] = field(default_factory=list[onnx.TensorProto])
    inputs: dict[str, Array] = field(default_factory=dict[str, Array])

    def constant(self, name: str, array: Array) -> str:
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def add(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [output], f"{output}_node", **attributes))
        return output

    def model(self, output: str, shape: Sequence[int]) -> onnx.ModelProto:
        inputs = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in self.inputs.items()
        ]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self.nodes, "layer", inputs, outputs, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@dataclass(frozen=True)
class Operand:
    """A quantised operand: its value in the graph, its codes less their zero point, and its scales."""

    name: str
    codes: Array
    scale: Array
    bits: int
    """Of the codes, as they stream into a crossbar."""
    stored_bits: int
    """Of the magnitudes of codes less their zero point, as a crossbar stores constants."""


@dataclass(frozen=True)
class Codes:
    """How codes are made: they lie in `low`..`high` of an 8-bit type."""

    bits: int
    signed: bool
    low: int
    high: int

    @property
    def dtype(self) -> type[np.generic]:
        return np.int8 if self.signed else np.uint8

    @property
    def fills_type(self) -> bool:
        return self.high - self.low == 255


@st.composite
def codes_kinds(draw: st.DrawFn) -> Codes:
    bits, signed = draw(st.integers(2, 8)), draw(st.booleans())
    if not signed:
        return Codes(bits, False, 0, (1 << bits) - 1)
    high = (1 << (bits - 1)) - 1
    return Codes(bits, True, -high - draw(st.integers(0, 1)), high)


def numbers(draw: st.DrawFn, low: int, high: int, shape: Sequence[int]) -> Array:
    """Integers from `low` to `high`: any, or only the two extremes."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    if draw(st.integers(0, 4)) == 0:
        return rng.choice(np.array([low, high]), shape)
    return rng.integers(low, high, shape, endpoint=True)


def power_of_two(low: int = -6, high: int = 2) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda exponent: 2.0**exponent)


@dataclass(frozen=True)
class Parameters:
    """The names of scale and zero point, and along which axis they are, if along one."""

    scale: str
    zero_point: str
    attributes: dict[str, int]

    def inputs(self, values: str) -> list[str]:
        return [values, self.scale, self.zero_point]


def dequantized(
    draw: st.DrawFn, graph: Graph, kind: Codes, codes: str, name: str, parameters: Parameters
) -> str:
    """The nodes from codes to floats: the bounds of a Clip say the width where the type does not."""
    if not kind.fills_type or draw(st.booleans()):
        low = graph.constant(f"{name}_low", np.array(kind.low, kind.dtype))
        high = graph.constant(f"{name}_high", np.array(kind.high, kind.dtype))
        codes = graph.add("Clip", [codes, low, high], f"{name}_clipped")
    return graph.add("DequantizeLinear", parameters.inputs(codes), f"{name}_values", **parameters.attributes)


@st.composite
def activations(draw: st.DrawFn, graph: Graph, name: str, shape: Sequence[int]) -> Operand:
    """An input of the graph, quantised: with values between codes, on the border of two, and out of range."""
    kind, zero, scale = draw(quantisations(power_of_two()))
    steps = numbers(draw, kind.low - 2, kind.high + 2, shape) + numbers(draw, 0, 3, shape) / 4
    x = ((steps - zero) * scale).astype(np.float32)
    graph.inputs[name] = x
    codes = np.clip(np.rint(x.astype(np.float64) / scale) + zero, kind.low, kind.high).astype(np.int64)
    values = quantized(draw, graph, name, kind, zero, scale)
    return Operand(values, codes - zero, np.array(scale), kind.bits, kind.bits)


@st.composite
def quantisations(draw: st.DrawFn, scales: st.SearchStrategy[float]) -> tuple[Codes, int, float]:
    kind = draw(codes_kinds())
    zero = draw(st.integers(kind.low, kind.high)) if draw(st.booleans()) else max(0, kind.low)
    return kind, zero, draw(scales)


def quantized(draw: st.DrawFn, graph: Graph, name: str, kind: Codes, zero: int, scale: float) -> str:
    """A value of the graph through quantisation."""
    parameters = Parameters(
        graph.constant(f"{name}_scale", np.array(scale, np.float32)),
        graph.constant(f"{name}_zero", np.array(zero, kind.dtype)),
        {},
    )
    codes = graph.add("QuantizeLinear", parameters.inputs(name), f"{name}_codes")
    return dequantized(draw, graph, kind, codes, name, parameters)


@st.composite
def weights(
    draw: st.DrawFn, graph: Graph, shape: Sequence[int], axis: int | None, name: str = "layer"
) -> Operand:
    """A constant operand; scales may be one for each index of `axis`."""
    kind = draw(codes_kinds())
    spread = [1] * len(shape)
    scale_axis = axis if draw(st.booleans()) else None
    if scale_axis is not None:
        spread[scale_axis] = shape[scale_axis]
    channels = prod(spread)
    zero = np.full(channels, max(0, kind.low))
    form = draw(st.sampled_from(["none", "codes", "any"]))
    if form != "none":
        among = (kind.low, kind.high) if form == "codes" else (0, 127)
        zero = numbers(draw, *among, [channels])
    scale = np.array(draw(st.lists(power_of_two(), min_size=channels, max_size=channels)))
    codes = numbers(draw, kind.low, kind.high, shape)
    spread_zero, spread_scale = zero.reshape(spread), scale.reshape(spread)
    if axis is not None and form != "any" and draw(st.booleans()):
        channel = draw(st.integers(0, shape[axis] - 1))
        empty: list[Any] = [slice(None)] * len(shape)
        empty[axis] = channel
        codes[tuple(empty)] = np.broadcast_to(spread_zero, shape)[tuple(empty)]
    parameters = Parameters(
        graph.constant(f"{name}_scale", (scale if scale_axis is not None else scale[0]).astype(np.float32)),
        graph.constant(f"{name}_zero", (zero if scale_axis is not None else zero[0]).astype(kind.dtype)),
        {} if scale_axis is None else {"axis": scale_axis},
    )
    if draw(st.booleans()):
        noise = numbers(draw, -1, 1, shape) / 4
        floats = ((codes - spread_zero + noise) * spread_scale).astype(np.float32)
        given_codes = graph.constant(f"{name}.weight", floats)
        given_codes = graph.add(
            "QuantizeLinear", parameters.inputs(given_codes), f"{name}_codes", **parameters.attributes
        )
    else:
        given_codes = graph.constant(f"{name}.weight", codes.astype(kind.dtype))
    values = dequantized(draw, graph, kind, given_codes, name, parameters)
    furthest = max(kind.high - int(zero.min()), int(zero.max()) - kind.low)
    stored_bits = max(kind.bits, furthest.bit_length())
    return Operand(values, codes - spread_zero, spread_scale, kind.bits, stored_bits)


@st.composite
def biases(
    draw: st.DrawFn, graph: Graph, scale: Array, outputs: int, name: str = "bias"
) -> tuple[list[str], Array]:
    """A bias in steps of the sums' scale, if there is one: floats, or integers through DequantizeLinear."""
    form = draw(st.sampled_from(["none", "float", "int32"]))
    if form == "none":
        return [], np.zeros(outputs)
    codes = numbers(draw, -4096, 4096, [outputs])
    scale = scale.reshape(-1)
    values = codes * scale
    if form == "float":
        return [graph.constant(name, values.astype(np.float32))], values
    attributes = {"axis": 0} if scale.size > 1 else {}
    steps = graph.constant(f"{name}_scale", (scale if scale.size > 1 else scale[0]).astype(np.float32))
    stored = graph.constant(f"{name}_codes", codes.astype(np.int32))
    return [graph.add("DequantizeLinear", [stored, steps], name, **attributes)], values


def run_onnxruntime(
    model: onnx.ModelProto, inputs: Mapping[str, Array], also: Iterable[str] = ()
) -> dict[str, Array]:
    """The outputs of a model, and the values `also`, by name."""
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in also)
    names = [output.name for output in whole.graph.output]
    session = runtime.InferenceSession(whole.SerializeToString(), options)
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))

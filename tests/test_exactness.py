"""Random quantised layers: every encoding, mapping and split gives the integers of plain arithmetic.

Layers are ONNX graphs with QDQ or QCDQ quantisation. The oracle is plain int64 arithmetic on codes, written
here. All scales are powers of two and all sums small, so that floats hold every number exactly: the oracle,
each level of the compiler and onnxruntime must agree to the last bit.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from xdsl.ir import Operation, SSAValue

import cimc
from cimc.dialects.cim.attributes import PackingAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.xbar import MvmOp, WriteOp
from cimc.driver import run_pipeline
from cimc.layer_shape import layer_product
from cimc.mapping.cover import TABLE, read_covers
from cimc.mapping.structure import Packing
from cimc.pipelines import OptLevel
from cimc.program import Program
from cimc.runtime.arrays import Array
from cimc.target import Target

MAPPINGS = ("differential-column", "differential-row", "offset")
CROSSBARS = ((6, 10), (4, 2), (7, 9), (8, 5), (1, 3), (16, 24), (256, 256))
COVERS = read_covers(TABLE.read_text())
MAX_TILES = 120
MAX_PRODUCTS = 40
"""Of 8-bit codes less their zero points: with factors up to 4, a sum and its bias stay below 2^24."""


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
class Matrix:
    """What a crossbar stores of a layer, and for how many vectors."""

    outputs: int
    inputs: int
    vectors: int
    repeats: int
    weight_bits: int
    activation_bits: int

    @property
    def turned(self) -> "Matrix":
        """The same product with its inputs stored."""
        return replace(
            self,
            outputs=self.vectors,
            vectors=self.outputs,
            weight_bits=self.activation_bits,
            activation_bits=self.weight_bits,
        )


@dataclass(frozen=True)
class Layer:
    """A model of one layer, its input, and what must come out."""

    model: onnx.ModelProto
    inputs: dict[str, Array]
    expected: Array
    matrix: Matrix
    grouped: bool = False


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
def biases(draw: st.DrawFn, graph: Graph, scale: Array, outputs: int) -> tuple[list[str], Array]:
    """A bias in steps of the sums' scale, if there is one: floats, or integers through DequantizeLinear."""
    form = draw(st.sampled_from(["none", "float", "int32"]))
    if form == "none":
        return [], np.zeros(outputs)
    codes = numbers(draw, -4096, 4096, [outputs])
    scale = scale.reshape(-1)
    values = codes * scale
    if form == "float":
        return [graph.constant("bias", values.astype(np.float32))], values
    attributes = {"axis": 0} if scale.size > 1 else {}
    steps = graph.constant("bias_scale", (scale if scale.size > 1 else scale[0]).astype(np.float32))
    stored = graph.constant("bias_codes", codes.astype(np.int32))
    return [graph.add("DequantizeLinear", [stored, steps], "bias", **attributes)], values


def integer_conv(x: Array, w: Array, strides: Any, pads: Any, dilations: Any, groups: int) -> Array:
    """The sums of products of a convolution, kernel element by kernel element."""
    rank = w.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0), *((pads[i], pads[rank + i]) for i in range(rank))])
    sizes = [
        (padded.shape[2 + i] - dilations[i] * (w.shape[2 + i] - 1) - 1) // strides[i] + 1 for i in range(rank)
    ]
    y = np.zeros((len(x), len(w), *sizes), np.int64)
    share, channels = len(w) // groups, w.shape[1]
    for output in range(len(w)):
        group = output // share
        for channel, position in product(range(channels), product(*map(range, w.shape[2:]))):
            window = tuple(
                slice(p * d, p * d + (n - 1) * s + 1, s)
                for p, d, n, s in zip(position, dilations, sizes, strides, strict=True)
            )
            picture = padded[(slice(None), group * channels + channel, *window)]
            y[:, output] += picture * w[(output, channel, *position)]
    return y


@st.composite
def convolutions(draw: st.DrawFn) -> Layer:
    rank = draw(st.integers(1, 2))
    groups = draw(st.sampled_from([1, 1, 2, 3, 5]))
    channels = draw(st.integers(1, 3))
    outputs = groups * draw(st.integers(1, 3))

    def some(low: int, high: int, count: int = rank) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    kernel, strides, dilations, pads = some(1, 3), some(1, 3), some(1, 2), some(0, 2, 2 * rank)
    sizes = [
        draw(st.integers(max(1, d * (k - 1) + 1 - pads[i] - pads[rank + i]), 7))
        for i, (k, d) in enumerate(zip(kernel, dilations, strict=True))
    ]
    images = (draw(st.integers(1, 2)), groups * channels, *sizes)
    return convolution(draw, images, (outputs, channels, *kernel), strides, pads, dilations, groups)


def convolution(
    draw: st.DrawFn,
    images: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Layer:
    graph = Graph()
    x, w = draw(activations(graph, "x", images)), draw(weights(graph, kernels, 0))
    scale = x.scale * w.scale
    bias, bias_values = draw(biases(graph, scale, kernels[0]))
    sums = integer_conv(x.codes, w.codes, strides, pads, dilations, groups)
    along = [-1, *[1] * len(strides)]
    expected = sums * scale.reshape(along) + bias_values.reshape(along)
    graph.add(
        "Conv",
        [x.name, w.name, *bias],
        "y",
        strides=strides,
        pads=pads,
        dilations=dilations,
        group=groups,
    )
    vectors = len(sums) * prod(sums.shape[2:])
    matrix = Matrix(kernels[0], prod(kernels[1:]), vectors, 1, w.stored_bits, x.bits)
    return layer(graph, expected, matrix, grouped=groups > 1)


def layer(graph: Graph, expected: Array, matrix: Matrix, *, grouped: bool = False) -> Layer:
    values = expected.astype(np.float32)
    np.testing.assert_array_equal(values, expected, "the oracle is exact")
    model = graph.model("y", expected.shape)
    checker: Any = onnx.checker
    checker.check_model(model, full_check=True)
    return Layer(model, graph.inputs, values, matrix, grouped)


@st.composite
def gemms(draw: st.DrawFn) -> Layer:
    graph = Graph()
    m, k, n = draw(st.integers(1, 4)), draw(st.integers(1, MAX_PRODUCTS)), draw(st.integers(1, 6))
    trans_a, trans_b = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    alpha, beta = draw(st.sampled_from([1.0, 0.5, 2.0, -1.0])), draw(st.sampled_from([1.0, 0.5, 2.0]))
    x = draw(activations(graph, "x", (k, m) if trans_a else (m, k)))
    w = draw(weights(graph, (n, k) if trans_b else (k, n), 0 if trans_b else 1))
    scale = x.scale * w.scale.reshape(-1)
    bias, bias_values = draw(biases(graph, scale, n))
    a = x.codes.T if trans_a else x.codes
    b = w.codes.T if trans_b else w.codes
    expected = alpha * (a @ b * scale) + beta * bias_values
    graph.add("Gemm", [x.name, w.name, *bias], "y", alpha=alpha, beta=beta, transA=trans_a, transB=trans_b)
    return layer(graph, expected, Matrix(n, k, m, 1, w.stored_bits, x.bits))


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes for a matrix product: batches that broadcast, and operands of one dimension."""
    m, k, n = draw(st.integers(1, 4)), draw(st.integers(1, MAX_PRODUCTS)), draw(st.integers(1, 5))
    batch = draw(st.lists(st.integers(1, 3), max_size=2))

    def own() -> list[int]:
        sizes = [n if draw(st.booleans()) else 1 for n in batch]
        return sizes[draw(st.integers(0, len(sizes))) :]

    left = (k,) if draw(st.integers(0, 3)) == 0 else (*own(), m, k)
    right = (k,) if draw(st.integers(0, 3)) == 0 else (*own(), k, n)
    return left, right


def matrix_product(graph: Graph, a: Operand, b: Operand, matrix: Matrix) -> Layer:
    """The product of two operands; each row of `a` and each column of `b` may have a scale of its own."""
    graph.add("MatMul", [a.name, b.name], "y")
    sums = np.matmul(a.codes, b.codes)
    rows = a.scale.reshape(-1, *[1] * min(b.codes.ndim - 1, 1))
    columns = b.scale.reshape(-1)
    return layer(graph, (sums * rows * columns).reshape(sums.shape), matrix)


def stored_matrix(streamed: Sequence[int], stored: Sequence[int], weight_bits: int, bits: int) -> Matrix:
    """The matrix view of `streamed @ stored`: matrices of a batch are written one after the other.

    One matrix for the whole batch is written once.
    """
    x = streamed if len(streamed) > 1 else (1, *streamed)
    w = stored if len(stored) > 1 else (*stored, 1)
    if len(w) <= max(len(x), 2) and prod(w[:-2]) == 1:
        return Matrix(w[-1], w[-2], prod(x[:-1]), 1, weight_bits, bits)
    repeats = prod(np.broadcast_shapes(tuple(x[:-2]), tuple(w[:-2])))
    return Matrix(w[-1], w[-2], x[-2], repeats, weight_bits, bits)


@st.composite
def products_with_constants(draw: st.DrawFn) -> Layer:
    graph = Graph()
    left, right = draw(shapes())
    x = draw(activations(graph, "x", left))
    w = draw(weights(graph, right, None if len(right) == 1 else len(right) - 1))
    return matrix_product(graph, x, w, stored_matrix(left, right, w.stored_bits, x.bits))


@st.composite
def products_with_constants_on_the_left(draw: st.DrawFn) -> Layer:
    graph = Graph()
    left, right = draw(shapes())
    w = draw(weights(graph, left, None if len(left) == 1 else len(left) - 2))
    x = draw(activations(graph, "x", right))
    if len(left) == 1:  # a constant vector streams through the computed matrix
        return matrix_product(graph, w, x, stored_matrix(left, right, x.bits, w.bits))
    turned = (right[0],) if len(right) == 1 else (*right[:-2], right[-1], right[-2])
    matrix = stored_matrix(turned, (*left[:-2], left[-1], left[-2]), w.stored_bits, x.bits)
    return matrix_product(graph, w, x, matrix)


@st.composite
def computed_products(draw: st.DrawFn) -> Layer:
    graph = Graph()
    left, right = draw(shapes())
    a, b = draw(activations(graph, "a", left)), draw(activations(graph, "b", right))
    return matrix_product(graph, a, b, stored_matrix(left, right, b.bits, a.bits))


@dataclass(frozen=True)
class Cost:
    """The paper's model, from the shape of a layer."""

    tile_writes: int
    mvm_cycles: int
    latency_ps: int
    cell_writes: int
    dac_conversions: int
    adc_conversions: int


def paper_cost(matrix: Matrix, mapping: str, target: Target) -> Cost:
    columns = matrix.outputs * -(-matrix.weight_bits // target.cell_bits)
    rows = matrix.inputs
    if mapping == "differential-column":
        columns *= 2
    elif mapping == "differential-row":
        rows *= 2
    else:
        columns += 1
    reads = columns // 2 if mapping == "differential-column" else columns
    writes = matrix.repeats * -(-columns // target.cols) * -(-rows // target.rows)
    tile_cycles = matrix.vectors * -(-matrix.activation_bits // target.dac_bits)
    cycles = writes * tile_cycles
    ps = writes * round(target.write_us * 1e6) + cycles * round(target.mvm_us * 1e6)
    return Cost(
        writes,
        cycles,
        ps,
        cell_writes=matrix.repeats * rows * columns,
        dac_conversions=matrix.repeats * tile_cycles * rows * -(-columns // target.cols),
        adc_conversions=matrix.repeats * tile_cycles * reads * -(-rows // target.rows),
    )


def information_bound_us(matrix: Matrix, target: Target) -> float:
    """Each bit of what is stored takes a bit of a cell."""
    bits = matrix.repeats * matrix.inputs * matrix.outputs * matrix.weight_bits
    cycles = matrix.vectors * -(-matrix.activation_bits // target.dac_bits)
    crossbars = bits / (target.rows * target.cols * target.cell_bits)
    return crossbars * (target.write_us + cycles * target.mvm_us) / target.crossbars


def allowed(rows: int, cols: int) -> list[str]:
    odd = {"differential-column": cols % 2, "differential-row": rows % 2}
    return [mapping for mapping in MAPPINGS if not odd.get(mapping)]


@dataclass(frozen=True)
class Options:
    """What to compile for."""

    target: Target
    mapping: str
    opt_level: OptLevel
    stationary: str


@st.composite
def options(draw: st.DrawFn, matrix: Matrix) -> Options:
    """A target and how to map onto it: crossbars are small, unless that makes too many tiles."""
    cell_bits, dac_bits = draw(st.sampled_from([1, 2, 3, 4, 8])), draw(st.integers(1, 3))
    write_us, mvm_us = draw(st.sampled_from([(56.0, 1.4), (0.3, 7.1), (1e-6, 2e-6)]))
    sizes = draw(st.sampled_from(CROSSBARS))
    mapping = draw(st.sampled_from(allowed(*sizes)))
    target = Target("test", *sizes, cell_bits, dac_bits, write_us, mvm_us, 1, mapping)  # pyright: ignore[reportArgumentType]
    level: OptLevel = draw(st.sampled_from([0, 1]))
    stationary = draw(st.sampled_from(["weights", "any", "inputs"])) if level else "weights"
    stored = (matrix,) if stationary == "weights" else (matrix, matrix.turned)
    if max(paper_cost(m, mapping, target).tile_writes for m in stored) > MAX_TILES:
        target = Target("test", 256, 256, cell_bits, dac_bits, write_us, mvm_us, 1, mapping)  # pyright: ignore[reportArgumentType]
    target = target.with_crossbars(draw(st.sampled_from([1, 2, 3, 8])))
    every = target.allowed_mappings() if level else (mapping,)
    return Options(target, draw(st.sampled_from([*every, "any"])), level, stationary)


def run_onnxruntime(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> Array:
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, dict(inputs))[0]


def check(drawn: Layer, options: Options, path: Path) -> Program:
    """Compiles and runs a layer at each level, and returns the program at the last."""
    path.write_bytes(drawn.model.SerializeToString())
    np.testing.assert_array_equal(run_onnxruntime(drawn.model, drawn.inputs), drawn.expected)
    for stage in ("onnx", "cim", "xbar"):
        checked = drawn.inputs if stage == "xbar" else False
        program = cimc.compile(path, **vars(options), emit=stage, check=checked)
        outputs = program.run(drawn.inputs)
        np.testing.assert_array_equal(outputs["y"], drawn.expected, stage)
        if stage == "xbar":
            check_cost(drawn, program, options)
    return program


def is_computed(value: SSAValue) -> bool:
    """Whether a value comes from the program's inputs."""
    above, seen = [value], set[SSAValue]()
    while above:
        value = above.pop()
        if not isinstance(value.owner, Operation):
            return True
        above += [operand for operand in value.owner.operands if operand not in seen]
        seen.update(above)
    return False


def check_counters(program: Program) -> None:
    """The report's formulas give what the clock has counted, and it has counted what was written."""
    report, timeline = program.report(), program.timeline
    assert timeline is not None
    assert {layer.shape.name: layer.cost for layer in report.layers} == timeline.layers
    assert (report.digital, report.wear) == (timeline.digital, timeline.wear)
    table, total = report["total"], timeline.total
    assert {key: table[key] for key in vars(total) if key in table} == {
        key: value for key, value in vars(total).items() if key in table
    }
    writes = [op for op in program.module.walk() if isinstance(op, WriteOp)]
    events = [event for event in timeline.events if event.kind == "write"]
    cells: defaultdict[int, Array] = defaultdict(lambda: np.zeros((report.target.rows, report.target.cols)))
    constant: defaultdict[int, list[bool]] = defaultdict(list)
    for op, event in zip(writes, events, strict=True):
        rows, columns = op.tile.data.shape
        cells[event.crossbar][:rows, :columns] += 1
        constant[event.crossbar].append(not is_computed(op.cells))
    assert sum(c.sum() for c in cells.values()) == total.cell_writes
    worn = [c.max() for crossbar, c in cells.items() if constant[crossbar] != [True]]
    assert timeline.wear.writes_per_cell == max(worn, default=0)


def check_cost(drawn: Layer, program: Program, options: Options) -> None:
    report = program.report()
    (reported,) = report["layers"]
    assert program.timeline is not None
    check_counters(program)
    assert program.timeline.total.digital_operations - program.timeline.digital.digital_operations == (
        drawn.expected.size
    )
    assert program.timeline.end_ps == report.latency_ps
    assert reported["weight_bits"] == drawn.matrix.weight_bits
    assert reported["activation_bits"] == drawn.matrix.activation_bits
    assert options.mapping in (reported["mapping"], "any", "mixed-digits")
    assert options.stationary in (reported["stationary"], "any", "weights")
    if drawn.grouped:
        return
    target = options.target
    stored = drawn.matrix.turned if reported["stationary"] == "inputs" else drawn.matrix
    assert report["total"]["information_bound_us"] == pytest.approx(information_bound_us(stored, target))
    if options.opt_level:
        return
    costs = {m: paper_cost(drawn.matrix, m, target) for m in allowed(target.rows, target.cols)}
    cost = costs[reported["mapping"]]
    found = {key: reported[key] for key in vars(cost) if key in reported}
    assert Cost(**found, latency_ps=report.latency_ps) == cost
    assert reported["shift_adds"] == reported["adc_conversions"]
    if options.mapping == "any":
        assert cost.latency_ps == min(c.latency_ps for c in costs.values())


KINDS = {
    "conv": (convolutions(), 60),
    "gemm": (gemms(), 60),
    "constant": (products_with_constants(), 60),
    "constant on the left": (products_with_constants_on_the_left(), 60),
    "computed": (computed_products(), 60),
}


@pytest.mark.parametrize("kind", KINDS)
def test_integers_are_exact(kind: str, tmp_path: Path) -> None:
    strategy, examples = KINDS[kind]

    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        drawn = data.draw(strategy)
        check(drawn, data.draw(options(drawn.matrix)), tmp_path / "layer.onnx")

    run()


@pytest.mark.parametrize("kind", KINDS)
def test_levels_agree_in_another_precision(kind: str, tmp_path: Path) -> None:
    """Codes that do not fit the new widths are made anew, alike on every level."""
    strategy, examples = KINDS[kind]
    path = tmp_path / "layer.onnx"

    @settings(
        max_examples=examples // 2,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        drawn = data.draw(strategy)
        bits = data.draw(st.tuples(st.integers(2, 8), st.integers(2, 8)))
        matrix = replace(drawn.matrix, weight_bits=bits[0], activation_bits=bits[1])
        chosen = data.draw(options(matrix))
        path.write_bytes(drawn.model.SerializeToString())
        layer = cimc.compile(path, **vars(chosen), bits=bits, emit="cim")
        program = cimc.compile(path, **vars(chosen), bits=bits, check=drawn.inputs)
        expected = layer.run(drawn.inputs)["y"]
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(program.run(drawn.inputs)["y"], expected)
        if bits == (drawn.matrix.weight_bits, drawn.matrix.activation_bits):
            np.testing.assert_array_equal(expected, drawn.expected)
        check_cost(replace(drawn, matrix=matrix), program, chosen)

    run()


@st.composite
def covered_convolutions(draw: st.DrawFn) -> tuple[Layer, Target]:
    """Convolutions, and crossbars that take as many pixels and positions as a known cover needs."""
    cover = draw(st.sampled_from([cover for cover in COVERS if cover.structure.axes[0].kernel < 5]))
    axes, positions = cover.structure.axes, cover.structure.positions
    channels, outputs = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    mapping = draw(st.sampled_from(["differential-column", "differential-row", "mixed-digits", "offset"]))
    row_size = channels * (2 if mapping == "differential-row" else 1)
    column_size = outputs * (1 if mapping in ("differential-row", "offset") else 2)
    size = cover.rows * row_size, cover.columns * column_size
    target = Target("test", *size, cell_bits=8, write_us=1e-6, mapping=mapping)  # pyright: ignore[reportArgumentType]
    times = draw(st.integers(1, 2))
    sizes = [a.stride * (times * p - 1) + a.kernel - 2 for a, p in zip(axes, positions, strict=True)]
    kernel, strides = [axis.kernel for axis in axes], [axis.stride for axis in axes]
    images = (1, channels, *sizes)
    drawn = convolution(draw, images, (outputs, channels, *kernel), strides, [1] * 4, [1] * 2, 1)
    return drawn, target


def test_covers_are_exact(tmp_path: Path) -> None:
    masked = 0

    @settings(
        max_examples=40,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(covered_convolutions())
    def run(example: tuple[Layer, Target]) -> None:
        nonlocal masked
        drawn, target = example
        program = check(drawn, Options(target, target.mapping, 1, "weights"), tmp_path / "layer.onnx")
        masked += any(isinstance(op, WriteOp) and bool(op.tile.data.without) for op in program.module.walk())

    run()
    assert masked, "some tile must leave cells to another one"


PACKED = (
    "cim-pack,cim-quantize-weights,cim-quantize,cim-im2col,cim-encode,"
    "cim-tile,cim-place,cim-order,convert-cim-to-xbar"
)


@settings(
    max_examples=100,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_packing_alone_is_exact(data: st.DataObject) -> None:
    """The paper's digits in any packing, or that which costs least for them: layers keep their encodings."""
    drawn = data.draw(st.one_of(convolutions(), gemms(), products_with_constants()))
    target = data.draw(options(drawn.matrix)).target
    with TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        path.write_bytes(drawn.model.SerializeToString())
        program = cimc.compile(path, target=target, opt_level=0, emit="cim")
        (packed,) = [op for op in program.module.walk() if isinstance(op, LayerOp)]
        encoding, slowest_ps = packed.encoding, program.report().latency_ps
        if data.draw(st.booleans()):
            plain = layer_product(program.ctx, packed, target)
            positions = tuple(data.draw(st.integers(1, min(size, 4))) for size in plain.sizes)
            groups = data.draw(st.integers(1, plain.matrices))
            packed.packing, slowest_ps = PackingAttr(Packing(groups, positions)), None
        run_pipeline(program.ctx, program.module, PACKED)
    assert all(op.encoding == encoding for op in program.module.walk() if isinstance(op, MvmOp))
    np.testing.assert_array_equal(program.run(drawn.inputs)["y"], drawn.expected)
    assert program.timeline is not None
    assert slowest_ps is None or program.timeline.end_ps <= slowest_ps


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_sixteen_bits_need_wide_sums(mapping: str, tmp_path: Path) -> None:
    graph, rng = Graph(), np.random.default_rng(0)
    x, w = rng.choice([-32768, 32767], (2, 40)), rng.choice([-32768, 32767], (40, 3))
    x[0], w[:, 0] = -32768, -32768
    graph.inputs["x"] = x.astype(np.float32)
    scale, zero = (
        graph.constant("scale", np.array(1, np.float32)),
        graph.constant("zero", np.array(0, np.int16)),
    )
    codes = graph.add("QuantizeLinear", ["x", scale, zero], "codes")
    values = graph.add("DequantizeLinear", [codes, scale, zero], "values")
    stored = graph.constant("layer.weight", w.astype(np.int16))
    graph.add("MatMul", [values, graph.add("DequantizeLinear", [stored, scale, zero], "w")], "y")
    path = tmp_path / "layer.onnx"
    path.write_bytes(graph.model("y", (2, 3)).SerializeToString())
    sums = x @ w
    assert sums.max() == 40 << 30
    for stage in ("cim", "xbar"):
        program = cimc.compile(path, mapping=mapping, emit=stage)
        np.testing.assert_array_equal(program.run(graph.inputs)["y"], sums.astype(np.float32))


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """A few layers: convolutions in branches, some depthwise or with shared weights, then a dense one."""
    graph = Graph()
    batch, channels, size = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(2, 4))
    value = draw(activations(graph, "x", (batch, channels, size, size))).name
    for number in range(draw(st.integers(1, 2))):
        groups = channels if draw(st.booleans()) else 1
        w = draw(weights(graph, (channels, channels // groups, 3, 3), 0, f"conv{number}"))
        pads = {"pads": [1] * 4, "group": groups}
        left = graph.add("Conv", [value, w.name], f"left{number}", **pads)
        form = draw(st.sampled_from(["none", "shared", "own", "residual"]))
        if form == "own":
            w = draw(weights(graph, w.codes.shape, 0, f"other{number}"))
        if form != "none":
            right = (
                value if form == "residual" else graph.add("Conv", [value, w.name], f"right{number}", **pads)
            )
            left = graph.add("Add", [left, right], f"sum{number}")
        after = draw(st.sampled_from(["Relu", "Identity", "MaxPool"]))
        attributes = {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]} if after == "MaxPool" else {}
        value = graph.add(after, [left], f"after{number}", **attributes)
        value = quantized(draw, graph, value, *draw(quantisations(power_of_two(-2, 8))))
    flat = graph.add("Flatten", [value], "flat")
    w = draw(weights(graph, (3, channels * size * size), 0, "fc"))
    graph.add("Gemm", [flat, w.name], "y", transB=1)
    return graph


@settings(max_examples=40, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    networks(),
    st.sampled_from([*MAPPINGS, "mixed-digits", "any"]),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([(0, "weights"), (1, "weights"), (1, "any"), (1, "inputs")]),
    st.sampled_from([(1, "list"), (2, "list"), (5, "list"), (40, "list"), (4000, "resident")]),
)
def test_networks_give_the_numbers_of_onnxruntime(
    graph: Graph, mapping: str, cell_bits: int, level: tuple[OptLevel, str], schedule: tuple[int, str]
) -> None:
    batch = len(graph.inputs["x"])
    model = graph.model("y", (batch, 3))
    expected = run_onnxruntime(model, graph.inputs)
    target = Target("test", 64, 48, cell_bits, crossbars=schedule[0])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(model.SerializeToString())
        program = cimc.compile(
            path,
            target=target,
            mapping=mapping,
            opt_level=level[0],
            stationary=level[1],
            schedule=schedule[1] if level[0] else None,
            check=graph.inputs,
        )
    np.testing.assert_array_equal(program.run(graph.inputs)["y"], expected)
    report, timeline = program.report(), program.timeline
    assert timeline is not None
    assert timeline.end_ps == report.latency_ps >= report.lower_bound_ps
    check_counters(program)

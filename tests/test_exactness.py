"""Random quantised layers: every encoding, mapping and split gives the integers of plain arithmetic.

Layers are ONNX graphs with QDQ or QCDQ quantisation. The oracle is plain int64 arithmetic on codes, written
here. All scales are powers of two and all sums small, so that floats hold every number exactly: the oracle,
each level of the compiler and onnxruntime must agree to the last bit.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from counted import check_counters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_graphs import Graph, run_onnxruntime
from random_layers import (
    Layer,
    Matrix,
    computed_products,
    convolution,
    convolutions,
    gemms,
    products_with_constants,
    products_with_constants_on_the_left,
)

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
from cimc.target import Target

MAPPINGS = ("differential-column", "differential-row", "offset")
CROSSBARS = ((6, 10), (4, 2), (7, 9), (8, 5), (1, 3), (16, 24), (256, 256))
COVERS = read_covers(TABLE.read_text())
MAX_TILES = 120


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


def check(drawn: Layer, options: Options, path: Path) -> Program:
    """Compiles and runs a layer at each level, and returns the program at the last."""
    path.write_bytes(drawn.model.SerializeToString())
    np.testing.assert_array_equal(run_onnxruntime(drawn.model, drawn.inputs)["y"], drawn.expected)
    for stage in ("onnx", "cim", "xbar"):
        checked = drawn.inputs if stage == "xbar" else False
        program = cimc.compile(path, **vars(options), emit=stage, check=checked)
        outputs = program.run(drawn.inputs)
        np.testing.assert_array_equal(outputs["y"], drawn.expected, stage)
        if stage == "xbar":
            check_cost(drawn, program, options)
    return program


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

"""`--check-each-pass` names the pass that changes a number, and no other."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr
from xdsl.passes import ModulePass, PassPipeline

from cimc.check_each_pass import check_each_pass
from cimc.context import CimcContext, cimc_context, new_context
from cimc.dialects.cim.attributes import PrecisionAttr, QuantizerAttr, TileAttr
from cimc.dialects.cim.digital import QuantizeOp
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.weights import LoadOp
from cimc.dialects.xbar import WriteOp
from cimc.errors import CimcError
from cimc.frontend.importer import import_model
from cimc.passes import get_all_cimc_passes
from cimc.pipelines import Options, OptLevel, pipeline
from cimc.runtime.arrays import Array

INPUTS = {"x": np.array([[0.5, -0.25, 1.0], [0.75, 0.125, -1.0]], np.float32)}

Change = Callable[[CimcContext, ModuleOp], None]


def model() -> ModelProto:
    """A quantised matrix product."""
    constants = {
        "scale": np.array(0.0625, np.float32),
        "zero": np.array(3, np.int8),
        "fc.weight": np.array([[7, -3], [1, 5], [-2, 4]], np.int8),
        "steps": np.array([0.5, 0.25], np.float32),
        "zeros": np.array([0, 0], np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["codes"]),
        helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["values"]),
        helper.make_node("DequantizeLinear", ["fc.weight", "steps", "zeros"], ["w"], axis=1),
        helper.make_node("MatMul", ["values", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@dataclass(frozen=True)
class PlantedPass(ModulePass):
    """Applies a change to the module."""

    name = "planted-pass"

    change: Change

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self.change(cimc_context(ctx), op)


@dataclass(frozen=True)
class PlantedPrecisionPass(PlantedPass):
    """The same under the name of a pass that may change numbers."""

    name = "cim-assign-precision"


@dataclass(frozen=True)
class PlantedRoundingPass(PlantedPass):
    """The same under the name of a pass that may round."""

    name = "onnx-fold-constants"


def steps(level: OptLevel) -> list[ModulePass]:
    """The whole pipeline of an optimisation level."""
    spec = pipeline("xbar", Options(opt_level=level))
    return list(PassPipeline.parse_spec(get_all_cimc_passes(), spec).passes)


def run(after: str, planted: ModulePass, level: OptLevel = 0) -> None:
    """The whole pipeline, with a pass put in after another."""
    ctx = new_context()
    module = import_model(model(), ctx.tensors)
    observe = check_each_pass(ctx, INPUTS)
    observe(None, module)
    assert after in [step.name for step in steps(level)]
    for step in steps(level):
        for done in [step, planted] if step.name == after else [step]:
            done.apply(ctx, module)
            observe(done, module)


def change_array(name: str, change: Callable[[Array], None]) -> Change:
    """Gives a constant another value, under a name of its own."""

    def apply(ctx: CimcContext, module: ModuleOp) -> None:
        (load,) = (op for op in module.walk() if isinstance(op, LoadOp) and op.key == name)
        array = ctx.tensors[name].copy()
        change(array)
        load.symbol = SymbolRefAttr(ctx.tensors.add("changed", array))

    return apply


def one_more(array: Array) -> None:
    array.reshape(-1)[0] += 1


def one_bit(array: Array) -> None:
    array.reshape(-1)[0] ^= 1


def a_millionth_more(array: Array) -> None:
    array.reshape(-1)[0] *= 1 + 1e-6


def nothing(array: Array) -> None:
    pass


def another_zero_point(ctx: CimcContext, module: ModuleOp) -> None:
    (op,) = (op for op in module.walk() if isinstance(op, QuantizeOp))
    op.quantizer = QuantizerAttr(replace(op.quantizer.data, zero_point=4))


def fewer_weight_bits(ctx: CimcContext, module: ModuleOp) -> None:
    (op,) = (op for op in module.walk() if isinstance(op, LayerOp))
    op.precision = PrecisionAttr(2, 8)


def narrower_tile(ctx: CimcContext, module: ModuleOp) -> None:
    (op,) = (op for op in module.walk() if isinstance(op, WriteOp))
    ((start, end),) = op.tile.data.columns
    op.tile = TileAttr(replace(op.tile.data, columns=((start, end - 4),)))


WRONG: dict[str, tuple[str, Change]] = {
    "a code of the file": ("onnx-fold-constants", change_array("fc.weight", one_more)),
    "a code of a layer": ("cim-quantize-weights", change_array("fc.weight.codes", one_more)),
    "a scale of a layer": ("cim-select-mapping", change_array("fc.weight.scale", a_millionth_more)),
    "a step": ("cim-quantize", change_array("fc.step", a_millionth_more)),
    "a correction": ("cim-quantize", change_array("fc.correction", one_more)),
    "a matrix": ("cim-im2col", change_array("fc.matrix", one_more)),
    "a cell": ("cim-encode", change_array("fc.cells", one_bit)),
    "a written cell": ("convert-cim-to-xbar", change_array("fc.cells", one_bit)),
    "a written tile": ("convert-cim-to-xbar", narrower_tile),
    "a zero point": ("cim-quantize", another_zero_point),
    "a width": ("cim-pack-groups", fewer_weight_bits),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_pass_is_named(what: str) -> None:
    after, change = WRONG[what]
    with pytest.raises(CimcError, match=r"^pass planted-pass changed output 'y'"):
        run(after, PlantedPass(change))


@pytest.mark.parametrize(
    ("level", "after"), [(level, step.name) for level in (0, 1) for step in steps(level)]
)
def test_a_right_pass_is_not(level: OptLevel, after: str) -> None:
    run(after, PlantedPass(lambda ctx, module: None), level)


def test_a_copy_of_an_array_changes_nothing() -> None:
    run("cim-encode", PlantedPass(change_array("fc.cells", nothing)))


def test_passes_that_decide_the_precision_may_change_numbers() -> None:
    run("cim-pack-groups", PlantedPrecisionPass(fewer_weight_bits))


def test_passes_that_round_may_change_little() -> None:
    change = change_array("fc.weight.scale", a_millionth_more)
    run("convert-onnx-to-cim", PlantedRoundingPass(change))
    with pytest.raises(CimcError, match=r"^pass onnx-fold-constants changed output 'y'"):
        run("convert-onnx-to-cim", PlantedRoundingPass(change_array("fc.weight.codes", one_more)))

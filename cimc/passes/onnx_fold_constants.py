"""Pass `onnx-fold-constants`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FunctionType, IntegerType, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cimc.context import CimcContext, cimc_context
from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.onnx.shape import DropoutOp
from cimc.dialects.tensor_types import element_type, is_static, set_type, tensor_type
from cimc.errors import CimcError
from cimc.interpreters.onnx import run_onnx_op
from cimc.locations import node_of
from cimc.passes.constants import constant, new_constant
from cimc.passes.unused import remove_unused
from cimc.runtime.arrays import Array
from cimc.runtime.threads import one_thread

_QUANTISATION = ("QuantizeLinear", "DequantizeLinear", "Quant")


@dataclass(frozen=True)
class OnnxFoldConstantsPass(ModulePass):
    """Computes what depends on constants only, and by that finds out all shapes.

    Shape arithmetic goes away, and so do `Identity`, `Dropout` in inference and what nobody uses. Ops that
    carry quantisation (QuantizeLinear, DequantizeLinear, Quant, and Clip on codes) stay, since the
    widths of weights are read from them.

    ```mlir
    %s = onnx.Shape(%x) : (tensor<2x3x4xf32>) -> tensor<3xi64>
    %r = onnx.Reshape(%y, %s) : (tensor<6x4xf32>, tensor<3xi64>) -> tensor<*xf32>
    ```
    becomes
    ```mlir
    %s = weights.load @s : tensor<3xi64>
    %r = onnx.Reshape(%y, %s) : (tensor<6x4xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
    ```
    """

    name = "onnx-fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        with one_thread():  # the same model gives the same constants, however many cores there are
            for function in op.body.block.ops:
                if isinstance(function, FuncOp):
                    _fold(context, function)
        remove_unused(op)


def _fold(ctx: CimcContext, function: FuncOp) -> None:
    block = function.body.block
    for op in list(block.ops):
        if not isinstance(op, OnnxOp):
            continue
        if _does_nothing(ctx, op):
            op.results[0].replace_all_uses_with(op.operands[0])
            continue
        known = [constant(ctx, value) for value in op.operands]
        if not all(is_static(result.type) for result in op.results):
            _infer(op, dict(zip(op.operands, known, strict=True)))
        if op.op_type == "Shape" or (op.operands and all(k is not None for k in known)):
            _replace(ctx, op, [k for k in known if k is not None])
    last = block.last_op
    assert last is not None
    function.function_type = FunctionType.from_lists(block.arg_types, last.operand_types)


def _does_nothing(ctx: CimcContext, op: OnnxOp) -> bool:
    if isinstance(op, DropoutOp) and op.training_mode is not None:
        training = constant(ctx, op.training_mode)
        return training is not None and not training.any()
    return op.op_type in ("Identity", "Dropout")


def _infer(op: OnnxOp, known: dict[SSAValue, Array | None]) -> None:
    try:
        types = op.infer_types(known.get)
    except ValueError as e:
        raise CimcError(f"{node_of(op)}: {e}") from None
    for result, type_ in zip(op.results, types, strict=True):
        if not is_static(type_):
            raise CimcError(
                f"{node_of(op)}: its shape depends on values that are only known at run time; "
                "export the model with fixed sizes"
            )
        set_type(result, type_)


def _replace(ctx: CimcContext, op: OnnxOp, known: list[Array]) -> None:
    codes = op.op_type == "Clip" and isinstance(element_type(op.operands[0]), IntegerType)
    if op.op_type in _QUANTISATION or codes:
        return
    if op.op_type == "Shape":
        import numpy as np

        shape = tensor_type(op.operands[0]).get_shape()
        arrays = run_onnx_op(op, [np.empty(shape, bool)])
    else:
        arrays = run_onnx_op(op, known)
    for result, array in zip(op.results, arrays, strict=True):
        if not result.uses:
            continue
        load = new_constant(ctx, result.name_hint or node_of(op), array)
        Rewriter.insert_op(load, InsertPoint.before(op))
        load.result.name_hint = result.name_hint
        result.replace_all_uses_with(load.result)

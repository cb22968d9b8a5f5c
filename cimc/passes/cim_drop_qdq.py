"""Pass `cim-drop-qdq`."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, SSAValue
from xdsl.passes import ModulePass

from cimc.context import CimcContext, cimc_context
from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.tensor_types import dtype_of, element_type
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.file_quantisation import grid_of
from cimc.passes.sign import never_negative
from cimc.passes.unused import remove_unused


@dataclass(frozen=True)
class CimDropQdqPass(ModulePass):
    """Takes the file's own quantisation of activations out of the graph: values become those before it.

    Layers quantise their inputs themselves, as their `input` says, which keeps the file's grid. What the
    file quantises elsewhere, such as the operands of an addition, becomes float. A search needs this: in
    front of a quantiser of its own, it could not give a layer wider activations than the file.

    Some tools leave out a Relu before a quantiser whose codes begin at 0, for it does the same. Where values
    could be negative there, a Clip to the quantiser's range takes its place.

    ```mlir
    %q = onnx.QuantizeLinear(%x, %scale, %zero) : …
    %d = onnx.DequantizeLinear(%q, %scale, %zero) : …
    %y = cim.matmul(%d, %w) {layer = "fc", input = #cim.quantizer<ui8, scale 0.5, zero_point 0>, …} : …
    ```
    becomes
    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", input = #cim.quantizer<ui8, scale 0.5, zero_point 0>, …} : …
    ```
    """

    name = "cim-drop-qdq"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for quantized in list(op.walk()):
            if isinstance(quantized, OnnxOp) and (source := _source(context, quantized)) is not None:
                quantized.results[0].replace_all_uses_with(_activated(context, quantized, source))
        remove_unused(op)


def _source(ctx: CimcContext, op: OnnxOp) -> SSAValue | None:
    """The floats that an op gives back after they were quantised; None if it is another op."""
    if op.op_type == "Quant":
        value = op.operands[0]
    elif op.op_type == "DequantizeLinear":
        value = op.operands[0]
        while isinstance(value.owner, OnnxOp) and value.owner.op_type == "Clip":
            value = value.owner.operands[0]
        if not isinstance(value.owner, OnnxOp) or value.owner.op_type != "QuantizeLinear":
            return None
        value = value.owner.operands[0]
    else:
        return None
    return None if constant(ctx, value) is not None else value


def _activated(ctx: CimcContext, quantized: OnnxOp, source: SSAValue) -> SSAValue:
    """What comes before a quantiser, with the activation function that the quantiser stands for, if any."""
    grid = grid_of(ctx, quantized.results[0])
    if grid is None or grid.zero_point != grid.low:
        return source
    if isinstance(source, BlockArgument) or never_negative(ctx, source):
        return source
    build, dtype = Builder(ctx, quantized), dtype_of(element_type(source))
    low = build.emit_constant("low", np.zeros((), dtype))
    high = build.emit_constant("high", np.array((grid.high - grid.low) * grid.scale, dtype))
    return build.emit_onnx("Clip", [source, low, high])

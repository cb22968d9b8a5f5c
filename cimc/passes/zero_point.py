"""What a shift of the inputs adds to sums."""

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue

from cimc.dialects.cim.digital import ColumnSumOp
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.tensor_types import codes_type, retyped, shape_of
from cimc.interpreters.layer import zero_point_correction
from cimc.passes.builder import Builder
from cimc.passes.constants import constant


def correction(build: Builder, layer: LayerOp, w: SSAValue, zero_point: int) -> SSAValue | None:
    """`zero_point` times the sums of an output's stored codes `w`, 64 bits; None if that is 0."""
    if zero_point == 0:
        return None
    wide = codes_type(64, signed=True)
    codes = constant(build.ctx, w)
    if codes is not None:
        values = zero_point_correction(layer, codes, zero_point)
        assert values is not None
        return build.emit_constant(f"{layer.layer.data}.correction", values, wide)
    *batch, _, outputs = shape_of(w)
    sums = ColumnSumOp.build(
        operands=[w],
        result_types=[retyped(w.type, wide, (*batch, 1, outputs))],
        properties={"factor": IntegerAttr(zero_point, i64)},
    )
    return build.emit(sums)

"""Which values of the graph are never negative."""

from xdsl.ir import SSAValue

from cimc.context import CimcContext
from cimc.dialects.onnx.base import OnnxOp
from cimc.passes.constants import constant

_KEEP_SIGN = (
    "AveragePool",
    "Concat",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Identity",
    "MaxPool",
    "ReduceMax",
    "ReduceMean",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
_NEVER_NEGATIVE = ("HardSigmoid", "Relu", "Sigmoid", "Softmax")


def never_negative(ctx: CimcContext, value: SSAValue) -> bool:
    """Whether a value is an output of a ReLU-like op, as far as the graph shows it."""
    op = value.owner
    if not isinstance(op, OnnxOp):
        return False
    if op.op_type in _NEVER_NEGATIVE:
        return True
    if op.op_type in (*_KEEP_SIGN, "Add"):
        data = op.operands if op.op_type in ("Add", "Concat") else op.operands[:1]
        return all(never_negative(ctx, operand) for operand in data)
    if op.op_type == "Clip" and len(op.onnx_operands()) > 1:
        bound = op.onnx_operands()[1]
        low = None if bound is None else constant(ctx, bound)
        return low is not None and float(low) >= 0
    return False

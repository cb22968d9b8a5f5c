"""What counts as an operation of the digital part."""

from xdsl.ir import Operation

from cimc.dialects.onnx.base import OnnxOp
from cimc.interpreters.readiness import MOVES

_NOT_COUNTED = MOVES | {
    "Cast",
    "ConstantOfShape",
    "DequantizeLinear",
    "Dropout",
    "Identity",
    "Pad",
    "Quant",
    "QuantizeLinear",
    "Shape",
}
"""Layouts; and quantisation, which is part of the operation that makes the values."""


def computes(op: Operation) -> bool:
    """Whether an op outside of layers takes a digital operation for each element of its results.

    A layer itself takes one for each element of its result: the correction of its sums, their scale and
    bias.
    """
    return isinstance(op, OnnxOp) and op.op_type not in _NOT_COUNTED

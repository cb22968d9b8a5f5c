"""What counts as an operation of the digital part."""

from math import prod

from xdsl.ir import Operation

from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.tensor_types import shape_of
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


def digital_operations(op: Operation) -> int:
    """Operations of an op outside of layers: one for each element of its results.

    A layer itself takes one for each element of its result: the correction of its sums, their scale and
    bias.
    """
    if not isinstance(op, OnnxOp) or op.op_type in _NOT_COUNTED:
        return 0
    return sum(prod(shape_of(result)) for result in op.results)

"""The `onnx` dialect: one op for each node of an ONNX graph, in the operator's newest form.

The ops carry ONNX's names for operators and attributes. They stay in the IR down to `xbar` for what
the digital part of the chip computes.
"""

from xdsl.ir import Dialect

from cimc.dialects.onnx import (
    activation,
    attention,
    conv,
    elementwise,
    matmul,
    normalization,
    pooling,
    quantize,
    reduce,
    shape,
)
from cimc.dialects.onnx.base import OnnxOp

_FAMILIES = (
    activation,
    attention,
    conv,
    elementwise,
    matmul,
    normalization,
    pooling,
    quantize,
    reduce,
    shape,
)

OPS_BY_TYPE: dict[str, type[OnnxOp]] = {
    op.name.removeprefix("onnx."): op for family in _FAMILIES for op in family.OPS
}

Onnx = Dialect("onnx", list(OPS_BY_TYPE.values()))

"""Reductions along axes."""

from abc import ABC
from collections.abc import Sequence

from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    INT,
    INT64_TENSOR,
    ConstantOf,
    OnnxOp,
    int_attr,
    known_ints,
    normalized_axes,
)
from cimc.dialects.tensor_types import Shape, shape_of


class ReduceOp(OnnxOp, ABC):
    """Each slice along `axes` becomes one element; without axes, all do or (`noop`) none.

    ```mlir
    %y = onnx.ReduceMean(%x, %axes) {keepdims = 0 : i64}
        : (tensor<1x3x4x4xf32>, tensor<2xi64>) -> tensor<1x3xf32>
    ```
    """

    data = operand_def(ANY_TENSOR)
    axes = opt_operand_def(INT64_TENSOR)
    keepdims = prop_def(INT, default_value=int_attr(1))
    noop_with_empty_axes = prop_def(INT, default_value=int_attr(0))
    reduced = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = shape_of(self.data)
        axes = [] if self.axes is None else known_ints(constant, self.axes)
        reduced = normalized_axes(axes, len(data))
        if not reduced:
            if self.noop_with_empty_axes.value.data:
                return [data]
            reduced = range(len(data))
        if self.keepdims.value.data:
            return [tuple(1 if axis in reduced else n for axis, n in enumerate(data))]
        return [tuple(n for axis, n in enumerate(data) if axis not in reduced)]


@irdl_op_definition
class ReduceMaxOp(ReduceOp):
    """[ReduceMax](https://onnx.ai/onnx/operators/onnx__ReduceMax.html)"""

    name = "onnx.ReduceMax"


@irdl_op_definition
class ReduceMeanOp(ReduceOp):
    """[ReduceMean](https://onnx.ai/onnx/operators/onnx__ReduceMean.html)"""

    name = "onnx.ReduceMean"


@irdl_op_definition
class ReduceSumOp(ReduceOp):
    """[ReduceSum](https://onnx.ai/onnx/operators/onnx__ReduceSum.html)"""

    name = "onnx.ReduceSum"


OPS = [ReduceMaxOp, ReduceMeanOp, ReduceSumOp]

"""Pooling over windows and over whole planes."""

from abc import ABC
from collections.abc import Sequence

from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_result_def, prop_def, result_def

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    FLOAT_TENSOR,
    INT,
    INTS,
    ConstantOf,
    OnnxOp,
    int_attr,
    python_value,
)
from cimc.dialects.onnx.window import WindowOp
from cimc.dialects.tensor_types import Shape, element_type, shape_of


class PoolOp(WindowOp, ABC):
    """A reduction of each window to one element; results have the same shape."""

    ceil_mode = prop_def(INT, default_value=int_attr(0))
    kernel_shape = prop_def(INTS)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x = shape_of(self.operands[0])
        kernel: Shape = python_value(self.kernel_shape)
        counts = self.window_counts(x, kernel, ceil_mode=bool(self.ceil_mode.value.data))
        return [(*x[:2], *counts)] * len(self.results)


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """[MaxPool](https://onnx.ai/onnx/operators/onnx__MaxPool.html)

    ```mlir
    %y = onnx.MaxPool(%x) {kernel_shape = array<i64: 2, 2>}
        : (tensor<1x3x4x4xf32>) -> tensor<1x3x3x3xf32>
    ```
    """

    name = "onnx.MaxPool"

    x = operand_def(ANY_TENSOR)
    storage_order = prop_def(INT, default_value=int_attr(0))
    y = result_def(ANY_TENSOR)
    indices = opt_result_def(ANY_TENSOR)

    def infer_elements(self) -> Sequence[Attribute]:
        return self.of_present_results(element_type(self.x), i64)


@irdl_op_definition
class AveragePoolOp(PoolOp):
    """[AveragePool](https://onnx.ai/onnx/operators/onnx__AveragePool.html)"""

    name = "onnx.AveragePool"

    x = operand_def(FLOAT_TENSOR)
    count_include_pad = prop_def(INT, default_value=int_attr(0))
    y = result_def(ANY_TENSOR)


class GlobalPoolOp(OnnxOp, ABC):
    """A reduction of each plane to one element."""

    x = operand_def(FLOAT_TENSOR)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x = shape_of(self.x)
        if len(x) < 2:
            raise ValueError(f"x of shape {x} has no channels")
        return [(*x[:2], *(1 for _ in x[2:]))]


@irdl_op_definition
class GlobalAveragePoolOp(GlobalPoolOp):
    """[GlobalAveragePool](https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html)"""

    name = "onnx.GlobalAveragePool"


@irdl_op_definition
class GlobalMaxPoolOp(GlobalPoolOp):
    """[GlobalMaxPool](https://onnx.ai/onnx/operators/onnx__GlobalMaxPool.html)"""

    name = "onnx.GlobalMaxPool"


OPS = [AveragePoolOp, GlobalAveragePoolOp, GlobalMaxPoolOp, MaxPoolOp]

"""Convolution."""

from collections.abc import Sequence

from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    INT,
    INTS,
    SAME_FLOAT_TENSOR,
    ConstantOf,
    check_shape,
    int_attr,
    python_value,
)
from cimc.dialects.onnx.window import WindowOp
from cimc.dialects.tensor_types import Shape, shape_of


@irdl_op_definition
class ConvOp(WindowOp):
    """[Conv](https://onnx.ai/onnx/operators/onnx__Conv.html)

    ```mlir
    %y = onnx.Conv(%x, %w) {strides = array<i64: 2, 2>}
        : (tensor<1x3x8x8xf32>, tensor<4x3x2x2xf32>) -> tensor<1x4x4x4xf32>
    ```
    """

    name = "onnx.Conv"

    x = operand_def(SAME_FLOAT_TENSOR)
    w = operand_def(SAME_FLOAT_TENSOR)
    b = opt_operand_def(SAME_FLOAT_TENSOR)
    group = prop_def(INT, default_value=int_attr(1))
    kernel_shape = opt_prop_def(INTS)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x, w, group = shape_of(self.x), shape_of(self.w), self.group.value.data
        if len(x) != len(w) or len(w) < 3:
            raise ValueError(f"x of shape {x} and w of shape {w} are no input and its weights")
        if group < 1 or w[0] % group:
            raise ValueError(f"{w[0]} output channels do not make {group} groups")
        if x[1] != w[1] * group:
            raise ValueError(f"x has {x[1]} channels, w takes {w[1] * group}")
        kernel_shape: Shape | None = python_value(self.kernel_shape)
        if kernel_shape not in (None, w[2:]):
            raise ValueError(f"kernel_shape is {kernel_shape}, but w has {w[2:]}")
        check_shape("b", self.b, w[:1])
        return [(x[0], w[0], *self.window_counts(x, w[2:]))]


OPS = [ConvOp]

"""Quantisation as ONNX files express it: QDQ, and QONNX's Quant."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerType, Signedness, StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    FLOAT_OR_INT32_TENSOR,
    FLOAT_TENSOR,
    INT,
    INTEGER_TENSOR,
    SAME_FLOAT_TENSOR,
    SAME_INTEGER_TENSOR,
    STRING,
    ConstantOf,
    OnnxOp,
    check_broadcasts_to,
    check_shape,
    int_attr,
    normalized_axis,
    onnx_element,
)
from cimc.dialects.tensor_types import Shape, element_type, shape_of

_UI8 = IntegerType(8, Signedness.UNSIGNED)


def _check_parameters(
    x: Shape, scale: Shape, zero_point: SSAValue | None, axis: int, block_size: int
) -> None:
    """Raises `ValueError` unless scale and zero point suit the tensor, an axis, or its blocks."""
    if scale in ((), (1,)):
        # Exporters mix scalars and vectors of one element.
        if zero_point is not None and shape_of(zero_point) not in ((), (1,)):
            raise ValueError(f"the zero point has shape {shape_of(zero_point)}, not {scale}")
        return
    check_shape("the zero point", zero_point, scale)
    # For vectors ONNX ignores the axis, whose default would be out of range.
    axis = normalized_axis(axis, len(x)) if len(x) != 1 else 0
    if block_size < 0:
        raise ValueError(f"block_size is {block_size}, not positive")
    if block_size == 0:
        expected = x[axis : axis + 1]
    else:
        expected = (*x[:axis], -(-x[axis] // block_size), *x[axis + 1 :])
    if scale != expected:
        raise ValueError(f"the scale has shape {scale}, not {expected}")


@irdl_op_definition
class DequantizeLinearOp(OnnxOp):
    """[DequantizeLinear](https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html)"""

    name = "onnx.DequantizeLinear"

    x = operand_def(SAME_INTEGER_TENSOR)
    x_scale = operand_def(FLOAT_TENSOR)
    x_zero_point = opt_operand_def(SAME_INTEGER_TENSOR)
    axis = prop_def(INT, default_value=int_attr(1))
    block_size = prop_def(INT, default_value=int_attr(0))
    output_dtype = prop_def(INT, default_value=int_attr(0))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x, scale = shape_of(self.x), shape_of(self.x_scale)
        axis, block_size = self.axis.value.data, self.block_size.value.data
        _check_parameters(x, scale, self.x_zero_point, axis, block_size)
        return [x]

    def infer_elements(self) -> Sequence[Attribute]:
        number = self.output_dtype.value.data
        return [onnx_element(number) if number else element_type(self.x_scale)]


@irdl_op_definition
class QuantizeLinearOp(OnnxOp):
    """[QuantizeLinear](https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html)

    ```mlir
    %q = onnx.QuantizeLinear(%x, %scale, %zero_point)
        : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xi8>
    ```
    """

    name = "onnx.QuantizeLinear"

    x = operand_def(FLOAT_OR_INT32_TENSOR)
    y_scale = operand_def(FLOAT_OR_INT32_TENSOR)
    y_zero_point = opt_operand_def(INTEGER_TENSOR)
    axis = prop_def(INT, default_value=int_attr(1))
    block_size = prop_def(INT, default_value=int_attr(0))
    output_dtype = prop_def(INT, default_value=int_attr(0))
    precision = prop_def(INT, default_value=int_attr(0))
    saturate = prop_def(INT, default_value=int_attr(1))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x, scale = shape_of(self.x), shape_of(self.y_scale)
        axis, block_size = self.axis.value.data, self.block_size.value.data
        _check_parameters(x, scale, self.y_zero_point, axis, block_size)
        return [x]

    def infer_elements(self) -> Sequence[Attribute]:
        number = self.output_dtype.value.data
        named = onnx_element(number) if number else None
        if self.y_zero_point is None:
            return [named or _UI8]
        element = element_type(self.y_zero_point)
        if named not in (None, element):
            raise ValueError(f"output_dtype is {named}, but the zero point is {element}")
        return [element]


@irdl_op_definition
class QuantOp(OnnxOp):
    """[Quant](https://github.com/fastmachinelearning/qonnx/blob/main/docs/qonnx-custom-ops/quant_op.md)

    Values stay floats, as many as `bit_width` allows; parameters broadcast to the shape of `x`.

    ```mlir
    %y = onnx.Quant(%x, %scale, %zero_point, %bit_width) {narrow = 1 : i64}
        : (tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
    ```
    """

    name = "onnx.Quant"

    x = operand_def(SAME_FLOAT_TENSOR)
    scale = operand_def(SAME_FLOAT_TENSOR)
    zero_point = operand_def(SAME_FLOAT_TENSOR)
    bit_width = operand_def(SAME_FLOAT_TENSOR)
    narrow = prop_def(INT, default_value=int_attr(0))
    rounding_mode = prop_def(STRING, default_value=StringAttr("ROUND"))
    signed = prop_def(INT, default_value=int_attr(1))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x = shape_of(self.x)
        for name in ("scale", "zero_point", "bit_width"):
            check_broadcasts_to(name, shape_of(getattr(self, name)), x)
        return [x]


OPS = [DequantizeLinearOp, QuantOp, QuantizeLinearOp]

"""Matrix products."""

from collections.abc import Sequence

from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    FLOAT,
    INT,
    SAME_TENSOR,
    ConstantOf,
    OnnxOp,
    broadcast,
    check_broadcasts_to,
    float_attr,
    int_attr,
)
from cimc.dialects.tensor_types import Shape, shape_of


@irdl_op_definition
class GemmOp(OnnxOp):
    """[Gemm](https://onnx.ai/onnx/operators/onnx__Gemm.html)

    ```mlir
    %y = onnx.Gemm(%a, %b, %c) {transB = 1 : i64}
        : (tensor<1x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<1x4xf32>
    ```
    """

    name = "onnx.Gemm"

    a = operand_def(SAME_TENSOR)
    b = operand_def(SAME_TENSOR)
    c = opt_operand_def(SAME_TENSOR)
    alpha = prop_def(FLOAT, default_value=float_attr(1.0))
    beta = prop_def(FLOAT, default_value=float_attr(1.0))
    transA = prop_def(INT, default_value=int_attr(0))
    transB = prop_def(INT, default_value=int_attr(0))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        a, b = shape_of(self.a), shape_of(self.b)
        if len(a) != 2 or len(b) != 2:
            raise ValueError(f"a of shape {a} and b of shape {b} are not both matrices")
        rows, inner = reversed(a) if self.transA.value.data else a
        taken, columns = reversed(b) if self.transB.value.data else b
        if inner != taken:
            raise ValueError(f"a has {inner} columns, b takes {taken}")
        if self.c is not None:
            check_broadcasts_to("c", shape_of(self.c), (rows, columns))
        return [(rows, columns)]


@irdl_op_definition
class MatMulOp(OnnxOp):
    """[MatMul](https://onnx.ai/onnx/operators/onnx__MatMul.html), as `numpy.matmul`"""

    name = "onnx.MatMul"

    a = operand_def(SAME_TENSOR)
    b = operand_def(SAME_TENSOR)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        a, b = shape_of(self.a), shape_of(self.b)
        if not a or not b:
            raise ValueError("a scalar has no columns")
        # A vector is one row on the left, one column on the right, and not kept in the result.
        *rows, inner = a[-2:]
        taken, *columns = b[-2:]
        if inner != taken:
            raise ValueError(f"a has {inner} columns, b takes {taken}")
        return [(*broadcast(a[:-2], b[:-2]), *rows, *columns)]


OPS = [GemmOp, MatMulOp]

"""Elementwise arithmetic with numpy broadcasting."""

from abc import ABC
from collections.abc import Sequence

from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, result_def, var_operand_def

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    BOOL_TENSOR,
    FLOAT_TENSOR,
    SAME_TENSOR,
    SAME_TENSORS,
    ConstantOf,
    OnnxOp,
    SameShapeOp,
    broadcast,
    check_broadcasts_to,
)
from cimc.dialects.tensor_types import Shape, element_type, shape_of


class BroadcastOp(OnnxOp, ABC):
    """All operands, broadcast to one shape."""

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        return [broadcast(*map(shape_of, self.operands))]


class BinaryOp(BroadcastOp, ABC):
    """`a` with `b`, broadcast to one shape.

    ```mlir
    %c = onnx.Add(%a, %b) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    ```
    """

    a = operand_def(SAME_TENSOR)
    b = operand_def(SAME_TENSOR)
    c = result_def(ANY_TENSOR)


class VariadicOp(BroadcastOp, ABC):
    """One or more operands, broadcast to one shape.

    ```mlir
    %y = onnx.Max(%a, %b, %c) : (tensor<3xf32>, tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
    ```
    """

    inputs = var_operand_def(SAME_TENSORS)
    y = result_def(ANY_TENSOR)


class UnaryOp(SameShapeOp, ABC):
    """A function of each element.

    ```mlir
    %y = onnx.Neg(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    """

    x = operand_def(ANY_TENSOR)
    y = result_def(ANY_TENSOR)


class FloatUnaryOp(SameShapeOp, ABC):
    """A function of each element that is only defined for floats."""

    x = operand_def(FLOAT_TENSOR)
    y = result_def(ANY_TENSOR)


@irdl_op_definition
class AddOp(BinaryOp):
    """[Add](https://onnx.ai/onnx/operators/onnx__Add.html)"""

    name = "onnx.Add"


@irdl_op_definition
class DivOp(BinaryOp):
    """[Div](https://onnx.ai/onnx/operators/onnx__Div.html)"""

    name = "onnx.Div"


@irdl_op_definition
class MulOp(BinaryOp):
    """[Mul](https://onnx.ai/onnx/operators/onnx__Mul.html)"""

    name = "onnx.Mul"


@irdl_op_definition
class SubOp(BinaryOp):
    """[Sub](https://onnx.ai/onnx/operators/onnx__Sub.html)"""

    name = "onnx.Sub"


@irdl_op_definition
class EqualOp(BinaryOp):
    """[Equal](https://onnx.ai/onnx/operators/onnx__Equal.html)"""

    name = "onnx.Equal"

    def infer_elements(self) -> Sequence[Attribute]:
        return [i1]


@irdl_op_definition
class PowOp(BroadcastOp):
    """[Pow](https://onnx.ai/onnx/operators/onnx__Pow.html); the exponent may be of another type"""

    name = "onnx.Pow"

    x = operand_def(ANY_TENSOR)
    y = operand_def(ANY_TENSOR)
    z = result_def(ANY_TENSOR)


@irdl_op_definition
class MaxOp(VariadicOp):
    """[Max](https://onnx.ai/onnx/operators/onnx__Max.html)"""

    name = "onnx.Max"


@irdl_op_definition
class MinOp(VariadicOp):
    """[Min](https://onnx.ai/onnx/operators/onnx__Min.html)"""

    name = "onnx.Min"


@irdl_op_definition
class SumOp(VariadicOp):
    """[Sum](https://onnx.ai/onnx/operators/onnx__Sum.html)"""

    name = "onnx.Sum"


@irdl_op_definition
class AbsOp(UnaryOp):
    """[Abs](https://onnx.ai/onnx/operators/onnx__Abs.html)"""

    name = "onnx.Abs"


@irdl_op_definition
class NegOp(UnaryOp):
    """[Neg](https://onnx.ai/onnx/operators/onnx__Neg.html)"""

    name = "onnx.Neg"


@irdl_op_definition
class ErfOp(FloatUnaryOp):
    """[Erf](https://onnx.ai/onnx/operators/onnx__Erf.html)"""

    name = "onnx.Erf"


@irdl_op_definition
class ExpOp(FloatUnaryOp):
    """[Exp](https://onnx.ai/onnx/operators/onnx__Exp.html)"""

    name = "onnx.Exp"


@irdl_op_definition
class LogOp(FloatUnaryOp):
    """[Log](https://onnx.ai/onnx/operators/onnx__Log.html)"""

    name = "onnx.Log"


@irdl_op_definition
class ReciprocalOp(FloatUnaryOp):
    """[Reciprocal](https://onnx.ai/onnx/operators/onnx__Reciprocal.html)"""

    name = "onnx.Reciprocal"


@irdl_op_definition
class SqrtOp(FloatUnaryOp):
    """[Sqrt](https://onnx.ai/onnx/operators/onnx__Sqrt.html)"""

    name = "onnx.Sqrt"


@irdl_op_definition
class NotOp(SameShapeOp):
    """[Not](https://onnx.ai/onnx/operators/onnx__Not.html)"""

    name = "onnx.Not"

    x = operand_def(BOOL_TENSOR)
    y = result_def(ANY_TENSOR)


@irdl_op_definition
class PReluOp(OnnxOp):
    """[PRelu](https://onnx.ai/onnx/operators/onnx__PRelu.html)"""

    name = "onnx.PRelu"

    x = operand_def(SAME_TENSOR)
    slope = operand_def(SAME_TENSOR)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        check_broadcasts_to("slope", shape_of(self.slope), shape_of(self.x))
        return [shape_of(self.x)]


@irdl_op_definition
class WhereOp(BroadcastOp):
    """[Where](https://onnx.ai/onnx/operators/onnx__Where.html)"""

    name = "onnx.Where"

    condition = operand_def(BOOL_TENSOR)
    x = operand_def(SAME_TENSOR)
    y = operand_def(SAME_TENSOR)
    output = result_def(ANY_TENSOR)

    def infer_elements(self) -> Sequence[Attribute]:
        return [element_type(self.x)]


OPS = [
    AbsOp,
    AddOp,
    DivOp,
    EqualOp,
    ErfOp,
    ExpOp,
    LogOp,
    MaxOp,
    MinOp,
    MulOp,
    NegOp,
    NotOp,
    PReluOp,
    PowOp,
    ReciprocalOp,
    SqrtOp,
    SubOp,
    SumOp,
    WhereOp,
]

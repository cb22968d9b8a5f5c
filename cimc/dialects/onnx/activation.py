"""Activation functions, and the softmaxes."""

from abc import ABC
from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    FLOAT,
    FLOAT_TENSOR,
    INT,
    OPERAND_SEGMENTS,
    SAME_TENSOR,
    ConstantOf,
    OnnxOp,
    SameShapeOp,
    check_shape,
    float_attr,
    int_attr,
    normalized_axis,
    one_of,
)
from cimc.dialects.tensor_types import Shape, shape_of


class ActivationOp(SameShapeOp, ABC):
    """A function of each element, defined for floats."""

    x = operand_def(FLOAT_TENSOR)
    y = result_def(ANY_TENSOR)


class SoftmaxLikeOp(OnnxOp, ABC):
    """A normalisation along one axis."""

    x = operand_def(FLOAT_TENSOR)
    axis = prop_def(INT, default_value=int_attr(-1))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        normalized_axis(self.axis.value.data, len(shape_of(self.x)))
        return [shape_of(self.x)]


@irdl_op_definition
class ClipOp(OnnxOp):
    """[Clip](https://onnx.ai/onnx/operators/onnx__Clip.html)

    ```mlir
    %y = onnx.Clip(%x, none, %max) : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
    ```
    """

    name = "onnx.Clip"

    irdl_options = (OPERAND_SEGMENTS,)

    x = operand_def(SAME_TENSOR)
    min = opt_operand_def(SAME_TENSOR)
    max = opt_operand_def(SAME_TENSOR)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        check_shape("min", self.min, ())
        check_shape("max", self.max, ())
        return [shape_of(self.x)]


@irdl_op_definition
class GeluOp(ActivationOp):
    """[Gelu](https://onnx.ai/onnx/operators/onnx__Gelu.html)"""

    name = "onnx.Gelu"

    approximate = prop_def(one_of("none", "tanh"), default_value=StringAttr("none"))


@irdl_op_definition
class HardSigmoidOp(ActivationOp):
    """[HardSigmoid](https://onnx.ai/onnx/operators/onnx__HardSigmoid.html)"""

    name = "onnx.HardSigmoid"

    alpha = prop_def(FLOAT, default_value=float_attr(0.2))
    beta = prop_def(FLOAT, default_value=float_attr(0.5))


@irdl_op_definition
class HardSwishOp(ActivationOp):
    """[HardSwish](https://onnx.ai/onnx/operators/onnx__HardSwish.html)"""

    name = "onnx.HardSwish"


@irdl_op_definition
class LeakyReluOp(ActivationOp):
    """[LeakyRelu](https://onnx.ai/onnx/operators/onnx__LeakyRelu.html)"""

    name = "onnx.LeakyRelu"

    alpha = prop_def(FLOAT, default_value=float_attr(0.01))


@irdl_op_definition
class LogSoftmaxOp(SoftmaxLikeOp):
    """[LogSoftmax](https://onnx.ai/onnx/operators/onnx__LogSoftmax.html)"""

    name = "onnx.LogSoftmax"


@irdl_op_definition
class ReluOp(SameShapeOp):
    """[Relu](https://onnx.ai/onnx/operators/onnx__Relu.html)"""

    name = "onnx.Relu"

    x = operand_def(ANY_TENSOR)
    y = result_def(ANY_TENSOR)


@irdl_op_definition
class SigmoidOp(ActivationOp):
    """[Sigmoid](https://onnx.ai/onnx/operators/onnx__Sigmoid.html)"""

    name = "onnx.Sigmoid"


@irdl_op_definition
class SoftmaxOp(SoftmaxLikeOp):
    """[Softmax](https://onnx.ai/onnx/operators/onnx__Softmax.html)"""

    name = "onnx.Softmax"


@irdl_op_definition
class TanhOp(ActivationOp):
    """[Tanh](https://onnx.ai/onnx/operators/onnx__Tanh.html)"""

    name = "onnx.Tanh"


OPS = [
    ClipOp,
    GeluOp,
    HardSigmoidOp,
    HardSwishOp,
    LeakyReluOp,
    LogSoftmaxOp,
    ReluOp,
    SigmoidOp,
    SoftmaxOp,
    TanhOp,
]

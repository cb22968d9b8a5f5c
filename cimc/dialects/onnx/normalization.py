"""Normalisations by statistics, given or computed."""

from collections.abc import Sequence

from xdsl.ir import Attribute
from xdsl.irdl import (
    EqAttrConstraint,
    MessageConstraint,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_result_def,
    prop_def,
    result_def,
)

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    FLOAT,
    FLOAT_TENSOR,
    INT,
    RESULT_SEGMENTS,
    SAME_FLOAT_TENSOR,
    ConstantOf,
    OnnxOp,
    check_broadcasts_to,
    check_shape,
    float_attr,
    int_attr,
    normalized_axis,
    onnx_element,
)
from cimc.dialects.tensor_types import Shape, element_type, shape_of


@irdl_op_definition
class BatchNormalizationOp(OnnxOp):
    """[BatchNormalization](https://onnx.ai/onnx/operators/onnx__BatchNormalization.html)

    Only its inference form; statistics are not updated.

    ```mlir
    %y = onnx.BatchNormalization(%x, %scale, %b, %mean, %var)
        : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
        -> tensor<1x3x4x4xf32>
    ```
    """

    name = "onnx.BatchNormalization"

    x = operand_def(FLOAT_TENSOR)
    scale = operand_def(FLOAT_TENSOR)
    b = operand_def(FLOAT_TENSOR)
    mean = operand_def(FLOAT_TENSOR)
    var = operand_def(FLOAT_TENSOR)
    epsilon = prop_def(FLOAT, default_value=float_attr(1e-5))
    momentum = prop_def(FLOAT, default_value=float_attr(0.9))
    training_mode = prop_def(
        MessageConstraint(EqAttrConstraint(int_attr(0)), "training_mode is not supported"),
        default_value=int_attr(0),
    )
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x = shape_of(self.x)
        if len(x) < 2:
            raise ValueError(f"x of shape {x} has no channels")
        for name in ("scale", "b", "mean", "var"):
            check_shape(name, getattr(self, name), x[1:2])
        return [x]


@irdl_op_definition
class InstanceNormalizationOp(OnnxOp):
    """[InstanceNormalization](https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html)"""

    name = "onnx.InstanceNormalization"

    x = operand_def(SAME_FLOAT_TENSOR)
    scale = operand_def(SAME_FLOAT_TENSOR)
    b = operand_def(SAME_FLOAT_TENSOR)
    epsilon = prop_def(FLOAT, default_value=float_attr(1e-5))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x = shape_of(self.x)
        if len(x) < 3:
            raise ValueError(f"x of shape {x} has no spatial dimension")
        check_shape("scale", self.scale, x[1:2])
        check_shape("b", self.b, x[1:2])
        return [x]


@irdl_op_definition
class LayerNormalizationOp(OnnxOp):
    """[LayerNormalization](https://onnx.ai/onnx/operators/onnx__LayerNormalization.html)

    ```mlir
    %y, %inv_std_dev = onnx.LayerNormalization(%x, %scale)
        : (tensor<2x8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, none, tensor<2x1xf32>)
    ```
    """

    name = "onnx.LayerNormalization"

    irdl_options = (RESULT_SEGMENTS,)

    x = operand_def(SAME_FLOAT_TENSOR)
    scale = operand_def(SAME_FLOAT_TENSOR)
    b = opt_operand_def(SAME_FLOAT_TENSOR)
    axis = prop_def(INT, default_value=int_attr(-1))
    epsilon = prop_def(FLOAT, default_value=float_attr(1e-5))
    stash_type = prop_def(INT, default_value=int_attr(1))
    y = result_def(ANY_TENSOR)
    mean = opt_result_def(ANY_TENSOR)
    inv_std_dev = opt_result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x = shape_of(self.x)
        axis = normalized_axis(self.axis.value.data, len(x))
        check_broadcasts_to("scale", shape_of(self.scale), x)
        if self.b is not None:
            check_broadcasts_to("b", shape_of(self.b), x)
        statistics = (*x[:axis], *(1 for _ in x[axis:]))
        return self.of_present_results(x, statistics, statistics)

    def infer_elements(self) -> Sequence[Attribute]:
        stash = onnx_element(self.stash_type.value.data)
        return self.of_present_results(element_type(self.x), stash, stash)


@irdl_op_definition
class LRNOp(OnnxOp):
    """[LRN](https://onnx.ai/onnx/operators/onnx__LRN.html)"""

    name = "onnx.LRN"

    x = operand_def(FLOAT_TENSOR)
    alpha = prop_def(FLOAT, default_value=float_attr(1e-4))
    beta = prop_def(FLOAT, default_value=float_attr(0.75))
    bias = prop_def(FLOAT, default_value=float_attr(1.0))
    size = prop_def(INT)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x, size = shape_of(self.x), self.size.value.data
        if len(x) < 2:
            raise ValueError(f"x of shape {x} has no channels")
        if size < 1:
            raise ValueError(f"size is {size}, not positive")
        return [x]


OPS = [BatchNormalizationOp, InstanceNormalizationOp, LRNOp, LayerNormalizationOp]

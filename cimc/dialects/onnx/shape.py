"""Movement and conversion of elements, and arithmetic on shapes."""

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, StringAttr, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    BaseAttr,
    RangeOf,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    opt_result_def,
    prop_def,
    result_def,
    var_operand_def,
    var_result_def,
)

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    BOOL_TENSOR,
    FLOAT_TENSOR,
    INDEX_TENSOR,
    INT,
    INT64_TENSOR,
    INTS,
    OPERAND_SEGMENTS,
    SAME_TENSOR,
    SAME_TENSORS,
    ConstantOf,
    OnnxOp,
    SameShapeOp,
    broadcast,
    int_attr,
    known_ints,
    normalized_axes,
    normalized_axis,
    one_of,
    onnx_element,
    python_value,
    tensor_attr,
)
from cimc.dialects.tensor_types import Shape, element_type, shape_of


def _known_sizes(constant: ConstantOf, value: SSAValue) -> Shape:
    """The shape that a vector of sizes holds."""
    if len(shape_of(value)) != 1:
        raise ValueError(f"a shape is a vector, not of shape {shape_of(value)}")
    sizes = tuple(known_ints(constant, value))
    if any(n < 0 for n in sizes):
        raise ValueError(f"shape {sizes} has negative sizes")
    return sizes


@irdl_op_definition
class CastOp(SameShapeOp):
    """[Cast](https://onnx.ai/onnx/operators/onnx__Cast.html); `to` is ONNX's number of the type

    ```mlir
    %y = onnx.Cast(%x) {to = 1 : i64} : (tensor<2xi64>) -> tensor<2xf32>
    ```
    """

    name = "onnx.Cast"

    x = operand_def(ANY_TENSOR)
    round_mode = prop_def(one_of("up", "down", "nearest"), default_value=StringAttr("up"))
    saturate = prop_def(INT, default_value=int_attr(1))
    to = prop_def(INT)
    y = result_def(ANY_TENSOR)

    def infer_elements(self) -> Sequence[Attribute]:
        return [onnx_element(self.to.value.data)]


@irdl_op_definition
class ConcatOp(OnnxOp):
    """[Concat](https://onnx.ai/onnx/operators/onnx__Concat.html)"""

    name = "onnx.Concat"

    inputs = var_operand_def(SAME_TENSORS)
    axis = prop_def(INT)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        shapes = [shape_of(value) for value in self.inputs]
        axis = normalized_axis(self.axis.value.data, len(shapes[0]))
        before, after = shapes[0][:axis], shapes[0][axis + 1 :]
        for shape in shapes:
            if len(shape) != len(shapes[0]) or (shape[:axis], shape[axis + 1 :]) != (before, after):
                raise ValueError(f"{shapes[0]} and {shape} differ not only in dimension {axis}")
        return [(*before, sum(shape[axis] for shape in shapes), *after)]


@irdl_op_definition
class ConstantOfShapeOp(OnnxOp):
    """[ConstantOfShape](https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html)

    ```mlir
    %y = onnx.ConstantOfShape(%shape) {value = dense<1> : tensor<1xi64>}
        : (tensor<2xi64>) -> tensor<4x6xi64>
    ```
    """

    name = "onnx.ConstantOfShape"

    shape = operand_def(INT64_TENSOR)
    value = prop_def(BaseAttr(DenseIntOrFPElementsAttr), default_value=tensor_attr(np.zeros(1, np.float32)))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        if len(self.value) != 1:
            raise ValueError(f"value has {len(self.value)} elements, not one")
        return [_known_sizes(constant, self.shape)]

    def infer_elements(self) -> Sequence[Attribute]:
        return [self.value.get_element_type()]


@irdl_op_definition
class DropoutOp(SameShapeOp):
    """[Dropout](https://onnx.ai/onnx/operators/onnx__Dropout.html) in inference"""

    name = "onnx.Dropout"

    irdl_options = (OPERAND_SEGMENTS,)

    data = operand_def(FLOAT_TENSOR)
    ratio = opt_operand_def(FLOAT_TENSOR)
    training_mode = opt_operand_def(BOOL_TENSOR)
    seed = opt_prop_def(INT)
    output = result_def(ANY_TENSOR)
    mask = opt_result_def(ANY_TENSOR)

    def infer_elements(self) -> Sequence[Attribute]:
        return self.of_present_results(element_type(self.data), i1)


@irdl_op_definition
class ExpandOp(OnnxOp):
    """[Expand](https://onnx.ai/onnx/operators/onnx__Expand.html)"""

    name = "onnx.Expand"

    data = operand_def(ANY_TENSOR)
    shape = operand_def(INT64_TENSOR)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        return [broadcast(shape_of(self.data), _known_sizes(constant, self.shape))]


@irdl_op_definition
class FlattenOp(OnnxOp):
    """[Flatten](https://onnx.ai/onnx/operators/onnx__Flatten.html) to a matrix"""

    name = "onnx.Flatten"

    x = operand_def(ANY_TENSOR)
    axis = prop_def(INT, default_value=int_attr(1))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        x, axis = shape_of(self.x), self.axis.value.data
        # An axis of the rank itself is allowed: no dimension becomes a column.
        if axis != len(x):
            axis = normalized_axis(axis, len(x))
        return [(prod(x[:axis]), prod(x[axis:]))]


@irdl_op_definition
class GatherOp(OnnxOp):
    """[Gather](https://onnx.ai/onnx/operators/onnx__Gather.html)"""

    name = "onnx.Gather"

    data = operand_def(ANY_TENSOR)
    indices = operand_def(INDEX_TENSOR)
    axis = prop_def(INT, default_value=int_attr(0))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = shape_of(self.data)
        axis = normalized_axis(self.axis.value.data, len(data))
        return [data[:axis] + shape_of(self.indices) + data[axis + 1 :]]


@irdl_op_definition
class IdentityOp(SameShapeOp):
    """[Identity](https://onnx.ai/onnx/operators/onnx__Identity.html)"""

    name = "onnx.Identity"

    x = operand_def(ANY_TENSOR)
    y = result_def(ANY_TENSOR)


@irdl_op_definition
class PadOp(OnnxOp):
    """[Pad](https://onnx.ai/onnx/operators/onnx__Pad.html); all begins come before all ends"""

    name = "onnx.Pad"

    irdl_options = (OPERAND_SEGMENTS,)

    data = operand_def(SAME_TENSOR)
    pads = operand_def(INT64_TENSOR)
    constant_value = opt_operand_def(SAME_TENSOR)
    axes = opt_operand_def(INDEX_TENSOR)
    mode = prop_def(one_of("constant", "reflect", "edge", "wrap"), default_value=StringAttr("constant"))
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        sizes = list(shape_of(self.data))
        pads = known_ints(constant, self.pads)
        axes = normalized_axes(
            list(range(len(sizes))) if self.axes is None else known_ints(constant, self.axes),
            len(sizes),
        )
        if len(pads) != 2 * len(axes):
            raise ValueError(f"{len(axes)} dimensions need {2 * len(axes)} pads, not {len(pads)}")
        for i, axis in enumerate(axes):
            sizes[axis] += pads[i] + pads[len(axes) + i]
        if any(n < 0 for n in sizes):
            raise ValueError(f"pads {pads} cut away more than there is")
        return [tuple(sizes)]


@irdl_op_definition
class ReshapeOp(OnnxOp):
    """[Reshape](https://onnx.ai/onnx/operators/onnx__Reshape.html)

    ```mlir
    %y = onnx.Reshape(%x, %shape) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
    ```
    """

    name = "onnx.Reshape"

    data = operand_def(ANY_TENSOR)
    shape = operand_def(INT64_TENSOR)
    allowzero = prop_def(INT, default_value=int_attr(0))
    reshaped = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = shape_of(self.data)
        wanted = known_ints(constant, self.shape)
        sizes = list(wanted)
        if not self.allowzero.value.data:
            if any(n == 0 for n in sizes[len(data) :]):
                raise ValueError(f"shape {wanted} copies more dimensions than {data} has")
            sizes = [n or data[axis] for axis, n in enumerate(sizes)]
        if sizes.count(-1) > 1 or any(n < -1 for n in sizes):
            raise ValueError(f"shape {wanted} has more than one unknown size")
        if -1 in sizes and (others := prod(n for n in sizes if n != -1)):
            sizes[sizes.index(-1)] = prod(data) // others
        if -1 in sizes or prod(sizes) != prod(data):
            raise ValueError(f"shape {data} cannot become {wanted}")
        return [tuple(sizes)]


@irdl_op_definition
class ShapeOp(OnnxOp):
    """[Shape](https://onnx.ai/onnx/operators/onnx__Shape.html)"""

    name = "onnx.Shape"

    data = operand_def(ANY_TENSOR)
    end = opt_prop_def(INT)
    start = prop_def(INT, default_value=int_attr(0))
    shape = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        # Like Python's slices, ONNX clamps start and end to the dimensions.
        return [(len(shape_of(self.data)[self.start.value.data : python_value(self.end)]),)]

    def infer_elements(self) -> Sequence[Attribute]:
        return [i64]


@irdl_op_definition
class SliceOp(OnnxOp):
    """[Slice](https://onnx.ai/onnx/operators/onnx__Slice.html)

    ```mlir
    %y = onnx.Slice(%x, %starts, %ends, none, %steps)
        : (tensor<8x6xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<4x3xf32>
    ```
    """

    name = "onnx.Slice"

    irdl_options = (OPERAND_SEGMENTS,)

    data = operand_def(ANY_TENSOR)
    starts = operand_def(INDEX_TENSOR)
    ends = operand_def(INDEX_TENSOR)
    axes = opt_operand_def(INDEX_TENSOR)
    steps = opt_operand_def(INDEX_TENSOR)
    y = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        sizes = list(shape_of(self.data))
        starts = known_ints(constant, self.starts)
        ends = known_ints(constant, self.ends)
        axes = list(range(len(starts))) if self.axes is None else known_ints(constant, self.axes)
        steps = [1] * len(starts) if self.steps is None else known_ints(constant, self.steps)
        if not len(starts) == len(ends) == len(axes) == len(steps):
            raise ValueError(f"starts {starts}, ends {ends}, axes {axes}, steps {steps} differ")
        if 0 in steps:
            raise ValueError("a step is 0")
        axes = normalized_axes(axes, len(sizes))
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
            sizes[axis] = _slice_length(sizes[axis], start, end, step)
        return [tuple(sizes)]


def _slice_length(size: int, start: int, end: int, step: int) -> int:
    """How many of `size` elements a slice has.

    This is as in Python except that a backward slice starting before the first element has it.
    """
    start += size if start < 0 else 0
    end += size if end < 0 else 0
    if step > 0:
        return len(range(min(max(start, 0), size), min(max(end, 0), size), step))
    return len(range(min(max(start, 0), size - 1), min(max(end, -1), size - 1), step))


@irdl_op_definition
class SplitOp(OnnxOp):
    """[Split](https://onnx.ai/onnx/operators/onnx__Split.html) into sizes or as many as results

    ```mlir
    %a, %b = onnx.Split(%x) {axis = 1 : i64, num_outputs = 2 : i64}
        : (tensor<2x5xf32>) -> (tensor<2x3xf32>, tensor<2x2xf32>)
    ```
    """

    name = "onnx.Split"

    data = operand_def(ANY_TENSOR)
    split = opt_operand_def(INT64_TENSOR)
    axis = prop_def(INT, default_value=int_attr(0))
    num_outputs = opt_prop_def(INT)
    outputs = var_result_def(RangeOf(ANY_TENSOR))

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = shape_of(self.data)
        axis = normalized_axis(self.axis.value.data, len(data))
        sizes = self._sizes(data[axis], constant)
        return [(*data[:axis], size, *data[axis + 1 :]) for size in sizes]

    def _sizes(self, size: int, constant: ConstantOf) -> list[int]:
        count = len(self.results)
        if python_value(self.num_outputs) not in (None, count):
            raise ValueError(f"num_outputs differs from the {count} results")
        if self.split is None:
            part = -(-size // count)
            return [max(0, min(part, size - i * part)) for i in range(count)]
        sizes = known_ints(constant, self.split)
        if len(sizes) != count or any(n < 0 for n in sizes) or sum(sizes) != size:
            raise ValueError(f"split {sizes} does not divide {size} among {count} results")
        return sizes


@irdl_op_definition
class SqueezeOp(OnnxOp):
    """[Squeeze](https://onnx.ai/onnx/operators/onnx__Squeeze.html)"""

    name = "onnx.Squeeze"

    data = operand_def(ANY_TENSOR)
    axes = opt_operand_def(INT64_TENSOR)
    squeezed = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = shape_of(self.data)
        if self.axes is None:
            return [tuple(n for n in data if n != 1)]
        axes = normalized_axes(known_ints(constant, self.axes), len(data))
        if any(data[axis] != 1 for axis in axes):
            raise ValueError(f"axes {axes} of shape {data} are not all of size 1")
        return [tuple(n for axis, n in enumerate(data) if axis not in axes)]


@irdl_op_definition
class TransposeOp(OnnxOp):
    """[Transpose](https://onnx.ai/onnx/operators/onnx__Transpose.html)"""

    name = "onnx.Transpose"

    data = operand_def(ANY_TENSOR)
    perm = opt_prop_def(INTS)
    transposed = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = shape_of(self.data)
        perm: Shape | None = python_value(self.perm)
        if perm is None:
            return [data[::-1]]
        if sorted(perm) != list(range(len(data))):
            raise ValueError(f"perm {perm} does not permute {len(data)} dimensions")
        return [tuple(data[axis] for axis in perm)]


@irdl_op_definition
class UnsqueezeOp(OnnxOp):
    """[Unsqueeze](https://onnx.ai/onnx/operators/onnx__Unsqueeze.html); axes count in the result"""

    name = "onnx.Unsqueeze"

    data = operand_def(ANY_TENSOR)
    axes = operand_def(INT64_TENSOR)
    expanded = result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        data = iter(shape_of(self.data))
        axes = known_ints(constant, self.axes)
        rank = len(shape_of(self.data)) + len(axes)
        new = normalized_axes(axes, rank)
        return [tuple(1 if axis in new else next(data) for axis in range(rank))]


OPS = [
    CastOp,
    ConcatOp,
    ConstantOfShapeOp,
    DropoutOp,
    ExpandOp,
    FlattenOp,
    GatherOp,
    IdentityOp,
    PadOp,
    ReshapeOp,
    ShapeOp,
    SliceOp,
    SplitOp,
    SqueezeOp,
    TransposeOp,
    UnsqueezeOp,
]

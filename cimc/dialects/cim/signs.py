"""What the digital part takes off where codes were made unsigned."""

from math import prod

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.cim.constraints import CODES
from cimc.dialects.cim.digital import verify_same_shape
from cimc.dialects.cim.layers import INTS
from cimc.dialects.tensor_types import shape_of


@irdl_op_definition
class InputSumOp(IRDLOperation):
    """The sum of each input vector: [..., vectors, inputs] to [..., vectors, 1].

    ```mlir
    %n = cim.input_sum %x : tensor<1x5x64xui8> -> tensor<1x5x1xsi32>
    ```
    """

    name = "cim.input_sum"

    x = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($result)"

    def verify_(self) -> None:
        expected = (*shape_of(self.x)[:-1], 1)
        if shape_of(self.result) != expected:
            raise VerifyException(f"the result has shape {expected}")


@irdl_op_definition
class WindowSumOp(IRDLOperation):
    """The sum of the inputs of a convolution at each output position: of each group one channel.

    ```mlir
    %n = cim.window_sum %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>,
        pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, pad_code = 0 : i64}
        : tensor<1x16x8x8xui8> -> tensor<1x1x8x8xsi32>
    ```
    """

    name = "cim.window_sum"

    kernel = prop_def(INTS)
    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)
    groups = prop_def(IntegerAttr.constr(i64))
    pad_code = prop_def(IntegerAttr.constr(i64), default_value=IntegerAttr(0, i64))
    x = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($result)"

    def verify_(self) -> None:
        pictures, channels, *_ = shape_of(self.x)
        groups = self.groups.value.data
        if groups < 1 or channels % groups or shape_of(self.result)[:2] != (pictures, groups):
            raise VerifyException(f"{channels} channels in {groups} groups do not go with {self.result.type}")


@irdl_op_definition
class SubtractOffsetOp(IRDLOperation):
    """`sums - offset * inputs`: takes off what an offset of the weights has added.

    `offset` has one value for each output, along `axis`; `inputs` are the sums of the inputs, one for all
    outputs of a group.

    ```mlir
    %y = cim.subtract_offset(%sums, %n, %offset) {axis = 2 : i64}
        : tensor<1x5x10xsi32>, tensor<1x5x1xsi32>, tensor<10xsi32> -> tensor<1x5x10xsi32>
    ```
    """

    name = "cim.subtract_offset"

    axis = prop_def(IntegerAttr.constr(i64))
    sums = operand_def(CODES)
    inputs = operand_def(CODES)
    offset = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "`(` $sums `,` $inputs `,` $offset `)` attr-dict `:` type($sums) `,` type($inputs) `,` type($offset)"
        " `->` type($result)"
    )

    def verify_(self) -> None:
        verify_same_shape(self)
        sums, inputs, axis = shape_of(self.sums), shape_of(self.inputs), self.axis.value.data
        if not 0 <= axis < len(sums) or shape_of(self.offset) != (sums[axis],):
            raise VerifyException("an offset for each index of the axis is needed")
        without_axis = [shape[:axis] + shape[axis + 1 :] for shape in (sums, inputs)]
        if without_axis[0] != without_axis[1] or not inputs[axis] or sums[axis] % inputs[axis]:
            raise VerifyException(f"sums of inputs {inputs} do not go with sums {sums}")


@irdl_op_definition
class SubtractOp(IRDLOperation):
    """`sums - constant`, where `constant` has size 1 along axes on which it does not depend.

    ```mlir
    %y = cim.subtract %sums, %c : tensor<1x5x10xsi32>, tensor<1x1x10xsi64> -> tensor<1x5x10xsi32>
    ```
    """

    name = "cim.subtract"

    sums = operand_def(CODES)
    constant = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sums `,` $constant attr-dict `:` type($sums) `,` type($constant) `->` type($result)"

    def verify_(self) -> None:
        verify_same_shape(self)
        sums, constant = shape_of(self.sums), shape_of(self.constant)
        fits = all(c in (1, n) for c, n in zip(reversed(constant), reversed(sums), strict=False))
        if len(constant) > len(sums) or not fits or not prod(constant):
            raise VerifyException(f"{constant} does not spread to {sums}")

"""What the digital part does around the crossbars: codes, scales, layouts."""

from math import prod

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.cim.attributes import PackingAttr, QuantizerAttr
from cimc.dialects.cim.constraints import CODES, FLOATS, TENSOR
from cimc.dialects.cim.layers import INTS, window_axes
from cimc.dialects.tensor_types import codes_type, element_type, shape_of
from cimc.mapping.structure import Structure
from cimc.runtime.packing import axes_of


@irdl_op_definition
class QuantizeOp(IRDLOperation):
    """Codes of float values.

    ```mlir
    %q = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 0.5, zero_point 0>}
        : tensor<4xf32> -> tensor<4xui8>
    ```
    """

    name = "cim.quantize"

    quantizer = prop_def(QuantizerAttr)
    x = operand_def(FLOATS)
    codes = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($codes)"

    def verify_(self) -> None:
        q = self.quantizer.data
        if element_type(self.codes) != codes_type(q.bits, signed=q.signed):
            raise VerifyException(f"the codes are of type {codes_type(q.bits, signed=q.signed)}")
        verify_same_shape(self)


@irdl_op_definition
class DequantizeOp(IRDLOperation):
    """`(sums - correction) * scale + bias`: float values of integer sums along channel axis `axis`.

    ```mlir
    %y = cim.dequantize(%sums, %scale bias %b) {axis = 1 : i64}
        : (tensor<1x4x8x8xsi32>, tensor<4xf64> bias tensor<4xf32>) -> tensor<1x4x8x8xf32>
    ```
    """

    name = "cim.dequantize"

    axis = prop_def(IntegerAttr.constr(i64))
    sums = operand_def(CODES)
    scale = operand_def(FLOATS)
    correction = opt_operand_def(CODES)
    bias = opt_operand_def(FLOATS)
    y = result_def(FLOATS)

    traits = traits_def(Pure())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "`(` $sums `,` $scale (`correction` $correction^)? (`bias` $bias^)? `)` attr-dict `:`"
        " `(` type($sums) `,` type($scale) (`correction` type($correction)^)?"
        " (`bias` type($bias)^)? `)` `->` type($y)"
    )

    def verify_(self) -> None:
        verify_same_shape(self)
        rank = len(shape_of(self.sums))
        if not 0 <= self.axis.value.data < rank:
            raise VerifyException(f"axis must be from 0 to {rank - 1}")


@irdl_op_definition
class RecenterOp(IRDLOperation):
    """Codes less their zero point: what a crossbar stores of a computed operand, or codes without a sign.

    ```mlir
    %w = cim.recenter %q {zero_point = 128 : i64} : tensor<4xui8> -> tensor<4xsi8>
    ```
    """

    name = "cim.recenter"

    zero_point = prop_def(IntegerAttr.constr(i64))
    codes = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$codes attr-dict `:` type($codes) `->` type($result)"

    def verify_(self) -> None:
        verify_same_shape(self)


@irdl_op_definition
class ColumnSumOp(IRDLOperation):
    """`factor` times the sum over the inputs of a stored operand: what an input's zero point adds to sums.

    ```mlir
    %c = cim.column_sum %w {factor = 3 : i64} : tensor<2x64x50xsi8> -> tensor<2x1x50xsi32>
    ```
    """

    name = "cim.column_sum"

    factor = prop_def(IntegerAttr.constr(i64))
    w = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$w attr-dict `:` type($w) `->` type($result)"

    def verify_(self) -> None:
        *batch, _, outputs = shape_of(self.w)
        if shape_of(self.result) != (*batch, 1, outputs):
            raise VerifyException(f"the result has shape {(*batch, 1, outputs)}")


@irdl_op_definition
class Im2colOp(IRDLOperation):
    """The input vectors of a convolution: [matrices, vectors, inputs].

    There is a vector for each picture and output position, channel by channel its window. With `packing`,
    there is one for each picture and patch of positions: group by group, pixel by pixel, the channels.

    ```mlir
    %v = cim.im2col %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>,
        pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, pad_code = 0 : i64}
        : tensor<1x16x8x8xui8> -> tensor<1x64x144xui8>
    ```
    """

    name = "cim.im2col"

    kernel = prop_def(INTS)
    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)
    pad_code = prop_def(IntegerAttr.constr(i64), default_value=IntegerAttr(0, i64))
    packing = opt_prop_def(PackingAttr)
    x = operand_def(CODES)
    vectors = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($vectors)"

    def verify_(self) -> None:
        if element_type(self.x) != element_type(self.vectors):
            raise VerifyException("im2col keeps the type of the codes")
        if len(shape_of(self.vectors)) != 3:
            raise VerifyException("vectors are [matrices, vectors, inputs]")
        if self.packing is None:
            window, what = prod(self.kernel.get_values()), "kernel windows"
        else:
            if len(self.packing.data.positions) != len(self.kernel):
                raise VerifyException("a patch has as many axes as the kernel")
            window, what = self.structure().row_blocks, "pixels of all groups"
        if shape_of(self.vectors)[2] % window:
            raise VerifyException(f"a vector holds whole {what}")
        pictures, _, *sizes = shape_of(self.x)
        axes = window_axes(sizes, self.kernel.get_values(), self.strides, self.pads, self.dilations)
        positions = (1,) * len(axes) if self.packing is None else self.packing.data.positions
        patches = [-(-axis.output // p) for axis, p in zip(axes, positions, strict=True)]
        if shape_of(self.vectors)[1] != pictures * prod(patches):
            raise VerifyException(f"{pictures} pictures have {patches} vectors each, along the axes")

    def structure(self) -> Structure:
        """Which blocks of the packed matrix are in use."""
        assert self.packing is not None
        axes = axes_of(self.kernel.get_values(), self.strides.get_values(), self.dilations.get_values())
        return Structure(self.packing.data.groups, self.packing.data.positions, axes)


@irdl_op_definition
class ToImageOp(IRDLOperation):
    """Sums [matrices, vectors, outputs] as a picture [pictures, channels, ...]; the inverse of im2col.

    Channels are the outputs of the first matrix, then of the second, and so on; what is over in the last
    is dropped, and so are positions of the last patches that lie beyond.

    ```mlir
    %y = cim.to_image %s : tensor<1x64x16xsi32> -> tensor<1x16x8x8xsi32>
    ```
    """

    name = "cim.to_image"

    packing = opt_prop_def(PackingAttr)
    sums = operand_def(CODES)
    image = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sums attr-dict `:` type($sums) `->` type($image)"

    def verify_(self) -> None:
        matrices, vectors, outputs = shape_of(self.sums)
        pictures, channels, *sizes = shape_of(self.image)
        if self.packing is not None:
            positions = self.packing.data.positions
            if len(positions) != len(sizes) or outputs % (self.packing.data.groups * prod(positions)):
                raise VerifyException(f"{outputs} outputs are not those of patches of {positions}")
            outputs //= prod(positions)
            sizes = [-(-n // p) for n, p in zip(sizes, positions, strict=True)]
        if vectors != pictures * prod(sizes) or channels > matrices * outputs:
            raise VerifyException("the picture does not have as many vectors and channels")


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """The same elements, in the same order, in another shape.

    ```mlir
    %r = cim.reshape %x : tensor<1x12x50x64xui8> -> tensor<12x50x64xui8>
    ```
    """

    name = "cim.reshape"

    x = operand_def(TENSOR)
    result = result_def(TENSOR)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($result)"

    def verify_(self) -> None:
        if element_type(self.x) != element_type(self.result):
            raise VerifyException("a reshape keeps the type of the elements")
        if prod(shape_of(self.x)) != prod(shape_of(self.result)):
            raise VerifyException("a reshape keeps the number of elements")


def verify_same_shape(op: IRDLOperation) -> None:
    """Raises `VerifyException` if the first operand and the result differ in shape."""
    if shape_of(op.operands[0]) != shape_of(op.results[0]):
        raise VerifyException(
            f"the result has the operand's shape {shape_of(op.operands[0])}, not {shape_of(op.results[0])}"
        )

"""Layers that run on crossbars: convolutions and matrix products.

A layer is written twice with the same op. Before `cim-quantize` it takes and gives floats, and *is* the
quantised layer: it quantises its input with `input` and its weights to `precision`, multiplies integers and
scales the sums back; without `input` (not calibrated yet) it computes in float. After `cim-quantize` it takes
codes and gives their exact sums of products.
"""

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    StringAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    EqAttrConstraint,
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

from cimc.dialects.cim.attributes import (
    EncodingAttr,
    PackingAttr,
    PrecisionAttr,
    QuantizerAttr,
    StructureAttr,
)
from cimc.dialects.cim.constraints import COUNT, TENSOR
from cimc.dialects.tensor_types import Shape, element_type, shape_of
from cimc.dialects.weights import InlineOp, LoadOp
from cimc.runtime.kernels.geometry import Axis as SpatialAxis
from cimc.runtime.kernels.geometry import spatial_axes
from cimc.runtime.packing import Axis, axes_of
from cimc.runtime.quantization import Quantizer

INTS = DenseArrayBase.constr(i64)

_Ints: TypeAlias = DenseArrayBase[IntegerType]


def window_axes(
    sizes: Sequence[int], kernel: Sequence[int], strides: _Ints, pads: _Ints, dilations: _Ints
) -> tuple[SpatialAxis, ...]:
    """How a kernel slides over pictures of these sizes. Raises `VerifyException` if it cannot."""
    rank = len(sizes)
    if [len(a.get_values()) for a in (strides, dilations, pads)] != [rank, rank, 2 * rank]:
        raise VerifyException(f"strides, dilations, pads must be for {rank} dimensions")
    if any(n < 0 for n in pads.get_values()):
        raise VerifyException(f"pads {pads.get_values()} are negative")
    try:
        return spatial_axes(
            sizes,
            kernel,
            strides=strides.get_values(),
            pads=pads.get_values(),
            dilations=dilations.get_values(),
        )
    except ValueError as e:
        raise VerifyException(str(e)) from None


class LayerOp(IRDLOperation, ABC):
    """What `cim.conv` and `cim.matmul` share."""

    layer = prop_def(StringAttr)
    aliases = opt_prop_def(ArrayAttr[StringAttr])
    """Other names by which a policy may call the layer."""
    precision = opt_prop_def(PrecisionAttr)
    encoding = opt_prop_def(EncodingAttr)
    packing = opt_prop_def(PackingAttr)
    """What shares a stored matrix; without it, each group and each position is for itself."""
    stationary = opt_prop_def(EqAttrConstraint(StringAttr("inputs")))
    """`"inputs"` if the operands trade places: the inputs are stored, and `w` streams."""
    input = opt_prop_def(QuantizerAttr)
    crossbars = opt_prop_def(COUNT)
    """How many crossbars work on the layer at a time; one if it does not say."""
    streaming = opt_prop_def(UnitAttr)
    """Its tiles stay in crossbars of their own, through which each vector streams as soon as it is there."""

    x = operand_def(TENSOR)
    w = operand_def(TENSOR)
    scale = opt_operand_def(TENSOR)
    """Scales of weights that are codes already, [1] or one for each output."""
    bias = opt_operand_def(TENSOR)
    y = result_def(TENSOR)

    @property
    def is_integer(self) -> bool:
        """Whether the layer takes codes and gives sums."""
        return isinstance(element_type(self.x), IntegerType)

    @property
    def has_codes(self) -> bool:
        """Whether the weights are integer codes."""
        return isinstance(element_type(self.w), IntegerType)

    @property
    def is_computed(self) -> bool:
        """Whether the stored operand is computed at run time."""
        return not isinstance(self.w.owner, LoadOp | InlineOp)

    @property
    def streamed(self) -> SSAValue:
        """The operand whose vectors stream."""
        return self.x if self.stationary is None else self.w

    @property
    def written(self) -> SSAValue:
        """The operand that is written into crossbars."""
        return self.w if self.stationary is None else self.x

    @property
    def is_calibrated(self) -> bool:
        """Whether it is known how the operands become codes."""
        known = self.input is not None and self.precision is not None
        return known and (self.stored_quantizer is not None or not self.is_computed)

    @property
    def input_quantizer(self) -> Quantizer | None:
        """How the input becomes codes, in the width that the precision asks for."""
        if self.input is None or self.precision is None:
            return None
        return self.input.data.with_bits(self.precision.activation)

    @property
    def stored_quantizer(self) -> Quantizer | None:
        """How a computed stored operand becomes codes, in the width that the precision asks for."""
        return None

    OUTPUT_AXIS: ClassVar[int]
    """The axis of the outputs in the result."""
    W_OUTPUT_AXIS: ClassVar[int]
    """The axis of the outputs in the stored operand."""

    def all_names(self) -> list[str]:
        """The names by which a policy may call the layer."""
        return [self.layer.data, *(a.data for a in self.aliases or ())]

    def verify_elements(self, outputs: int) -> None:
        """The rules that conv and matmul share."""
        if self.is_integer:
            if not self.has_codes or self.scale is not None or self.bias is not None:
                raise VerifyException("a layer on codes takes codes as weights, no scale, no bias")
            if not isinstance(element_type(self.y), IntegerType):
                raise VerifyException("a layer on codes gives integer sums")
        elif isinstance(element_type(self.y), IntegerType):
            raise VerifyException("a layer on floats gives floats")
        elif self.has_codes and self.scale is None:
            raise VerifyException("weights that are codes need their scale")
        for what, value in (("scale", self.scale), ("bias", self.bias)):
            if value is not None and shape_of(value) not in ((1,), (outputs,)):
                raise VerifyException(f"{what} must have 1 or {outputs} elements")


@irdl_op_definition
class ConvOp(LayerOp):
    """A convolution, as ONNX's Conv with explicit pads, in one to three dimensions.

    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1", precision = #cim.precision<weight 4, activation 8>,
        strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
        groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
    ```

    On codes, `pad_code` is what lies outside the picture: the code of 0.
    """

    name = "cim.conv"

    OUTPUT_AXIS: ClassVar[int] = 1
    W_OUTPUT_AXIS: ClassVar[int] = 0

    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)
    groups = prop_def(IntegerAttr.constr(i64))
    pad_code = prop_def(IntegerAttr.constr(i64), default_value=IntegerAttr(0, i64))

    traits = traits_def(Pure())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = (
        "`(` $x `,` $w (`scale` $scale^)? (`bias` $bias^)? `)` attr-dict `:` `(` type($x) `,` type($w)"
        " (`scale` type($scale)^)? (`bias` type($bias)^)? `)` `->` type($y)"
    )

    @property
    def kernel(self) -> Shape:
        """The sizes of the kernel."""
        return shape_of(self.w)[2:]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The windows along each axis."""
        return axes_of(self.kernel, self.strides.get_values(), self.dilations.get_values())

    def verify_(self) -> None:
        x, w, y = shape_of(self.x), shape_of(self.w), shape_of(self.y)
        groups = self.groups.value.data
        rank = len(x) - 2
        if not 1 <= rank <= 3 or len(w) != len(x) or len(y) != len(x):
            raise VerifyException(f"a convolution needs 3 to 5 dimensions, got {len(x)}")
        if groups < 1 or x[1] != w[1] * groups or w[0] % groups:
            raise VerifyException(f"{x[1]} channels in {groups} groups do not go with weights {w}")
        axes = rank if self.stationary is None else 1
        if self.packing is not None and len(self.packing.data.positions) != axes:
            what = f"{rank} dimensions" if self.stationary is None else "one dimension, that of the outputs"
            raise VerifyException(f"the packing must be for {what}")
        windows = window_axes(x[2:], w[2:], self.strides, self.pads, self.dilations)
        sizes = tuple(window.output for window in windows)
        if y != (x[0], w[0], *sizes):
            raise VerifyException(f"the result has shape {(x[0], w[0], *sizes)}, not {y}")
        self.verify_elements(w[0])


@irdl_op_definition
class MatmulOp(LayerOp):
    """`x` times the stored operand `w`: [..., vectors, inputs] x [..., inputs, outputs].

    `w` is a constant, or computed at run time, as in an attention product; then `stored` says how it is
    quantised, and it is written into crossbars for each inference.

    ```mlir
    %y = cim.matmul(%x, %w bias %b) {layer = "fc", precision = #cim.precision<weight 8, activation 8>}
        : (tensor<1x512xf32>, tensor<512x10xf32> bias tensor<10xf32>) -> tensor<1x10xf32>
    ```
    """

    name = "cim.matmul"

    OUTPUT_AXIS: ClassVar[int] = -1
    W_OUTPUT_AXIS: ClassVar[int] = -1

    stored = opt_prop_def(QuantizerAttr)
    structure = opt_prop_def(StructureAttr)
    """Which blocks of a packed matrix are in use; without it, all."""

    traits = traits_def(Pure())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    assembly_format = ConvOp.assembly_format

    @property
    def stored_quantizer(self) -> Quantizer | None:
        if self.stored is None or self.precision is None:
            return None
        return self.stored.data.with_bits(self.precision.weight)

    def verify_(self) -> None:
        x, w, y = shape_of(self.x), shape_of(self.w), shape_of(self.y)
        if len(x) < 2 or len(w) < 2:
            raise VerifyException("a matrix product needs 2 or more dimensions")
        if self.packing is not None and len(self.packing.data.positions) != 1:
            raise VerifyException("the packing must be for one dimension, that of the vectors")
        if x[-1] != w[-2]:
            raise VerifyException(f"{x[-1]} inputs do not go with a stored operand {w}")
        if len(w) > 2 and w[:-2] != x[:-2]:
            raise VerifyException(f"{x[:-2]} matrices do not go with {w[:-2]}")
        if y != (*x[:-1], w[-1]):
            raise VerifyException(f"the result has shape {(*x[:-1], w[-1])}, not {y}")
        self.verify_elements(w[-1])
        if self.structure is not None:
            verify_structure(self.structure, *w[-2:])


def verify_structure(attr: StructureAttr, inputs: int, outputs: int) -> None:
    """Raises `VerifyException` if a matrix of so many inputs and outputs is not one of whole blocks."""
    structure = attr.data
    if inputs % structure.row_blocks or outputs % structure.column_blocks:
        raise VerifyException(
            f"{inputs} inputs and {outputs} outputs are not those of {structure.row_blocks} x "
            f"{structure.column_blocks} blocks"
        )

"""How a stored matrix lies in cells and tiles, and the products that tiles give."""

from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
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

from cimc.dialects.cim.attributes import EncodingAttr, StructureAttr, TileAttr, VectorsAttr
from cimc.dialects.cim.constraints import CODES, COUNT
from cimc.dialects.cim.layers import verify_structure
from cimc.dialects.tensor_types import Shape, codes_type, element_type, integer_of, shape_of
from cimc.runtime.encoding import Encoding


@irdl_op_definition
class EncodeOp(IRDLOperation):
    """Cell codes of a stored operand: [matrices, inputs, outputs] to [matrices, rows, columns].

    With the offset mapping, `offset` ([outputs], or [matrices, outputs]) is added first, so that no code is
    negative.

    ```mlir
    %c = cim.encode %w {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}
        : tensor<1x64x10xsi8> -> tensor<1x64x40xui4>
    ```
    """

    name = "cim.encode"

    encoding = prop_def(EncodingAttr)
    w = operand_def(CODES)
    offset = opt_operand_def(CODES)
    cells = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "$w (`offset` $offset^)? attr-dict `:` type($w) (`offset` type($offset)^)? `->` type($cells)"
    )

    def verify_(self) -> None:
        encoding = self.encoding.data
        matrices, inputs, outputs = _three_sizes(self.w)
        shape = (matrices, encoding.rows(inputs), encoding.columns(outputs))
        if shape_of(self.cells) != shape:
            raise VerifyException(f"the cells have shape {shape}, not {shape_of(self.cells)}")
        if element_type(self.cells) != codes_type(encoding.cell_bits, signed=False):
            raise VerifyException(f"the cells hold {encoding.cell_bits}-bit codes")
        if (self.offset is not None) != bool(encoding.unit_columns):
            raise VerifyException("an offset is needed by a mapping with a column of ones, and by no other")
        if self.offset is not None and shape_of(self.offset) not in ((outputs,), (matrices, outputs)):
            raise VerifyException(f"the offset has {outputs} elements")


@irdl_op_definition
class ZerosOp(IRDLOperation):
    """Fresh accumulators: a place for partial sums, all 0.

    ```mlir
    %0 = cim.zeros : tensor<1x64x10xsi32>
    ```
    """

    name = "cim.zeros"

    result = result_def(CODES)

    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($result)"

    def __init__(self, type_: Attribute):
        super().__init__(result_types=[type_])


@irdl_op_definition
class MvmOp(IRDLOperation):
    """Adds the products of a batch of vectors with one tile of cells to accumulators.

    Without `tile`, the whole encoded matrices, of whatever size, are taken; `structure` says which of their
    blocks are in use, `crossbars` on how many crossbars their tiles are going to work. `crossbar` and `order`
    say where a tile is written and in which order tiles take their turn, `vectors` which of the vectors
    stream through this copy of the tile; without it, all. Vectors wait until all are there, unless they are
    `streaming`.

    ```mlir
    %s = cim.mvm %v, %cells, %0 {layer = "fc", tile = #cim.tile<matrix 0, rows 0 to 64, columns 0 to 40>,
        encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, crossbar = 0 : i64,
        order = 0 : i64} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
    ```
    """

    name = "cim.mvm"

    _S: ClassVar = VarConstraint("S", CODES)

    layer = prop_def(StringAttr)
    encoding = prop_def(EncodingAttr)
    structure = opt_prop_def(StructureAttr)
    tile = opt_prop_def(TileAttr)
    crossbar = opt_prop_def(IntegerAttr.constr(i64))
    order = opt_prop_def(IntegerAttr.constr(i64))
    crossbars = opt_prop_def(COUNT)
    streaming = opt_prop_def(UnitAttr)
    range = opt_prop_def(VectorsAttr, prop_name="vectors")
    vectors = operand_def(CODES)
    cells = operand_def(CODES)
    sums = operand_def(_S)
    result = result_def(_S)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "$vectors `,` $cells `,` $sums attr-dict `:` type($vectors) `,` type($cells) `,` type($sums)"
    )

    def verify_(self) -> None:
        verify_product(self.vectors, shape_of(self.cells), self.sums, self.encoding.data)
        if self.structure is not None:
            inputs = shape_of(self.vectors)[2]
            verify_structure(self.structure, inputs, shape_of(self.sums)[2] - self.encoding.data.unit_columns)
        if self.range is not None:
            verify_vectors(self.range, self.vectors)
        if self.tile is not None:
            verify_tile(self.tile, self.cells, self.encoding.data)


@irdl_op_definition
class RemoveOffsetOp(IRDLOperation):
    """Takes off what the offset added: `sums[.., o] - offset[o] * sums[.., last]`.

    The last sum is that of the unit column, the sum of the inputs; the result does not have it. Matrices may
    have offsets of their own, [matrices, outputs].

    ```mlir
    %s = cim.remove_offset %sums, %offset
        : tensor<1x5x11xsi32>, tensor<10xsi32> -> tensor<1x5x10xsi32>
    ```
    """

    name = "cim.remove_offset"

    sums = operand_def(CODES)
    offset = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sums `,` $offset attr-dict `:` type($sums) `,` type($offset) `->` type($result)"

    def verify_(self) -> None:
        matrices, vectors, outputs = _three_sizes(self.result)
        offsets = ((outputs,), (matrices, outputs))
        if shape_of(self.sums) != (matrices, vectors, outputs + 1) or shape_of(self.offset) not in offsets:
            raise VerifyException(f"{outputs} outputs need {outputs + 1} sums and {outputs} offsets")


def _three_sizes(value: SSAValue | Attribute) -> Shape:
    shape = shape_of(value)
    if len(shape) != 3:
        raise VerifyException(f"three sizes are needed, got {shape}")
    return shape


def verify_product(vectors: SSAValue, cells: Shape, sums: SSAValue | Attribute, encoding: Encoding) -> None:
    """Raises `VerifyException` if vectors, encoded matrices and sums do not go together in size."""
    matrices, count, inputs = _three_sizes(vectors)
    if len(cells) != 3 or cells[:2] != (matrices, encoding.rows(inputs)):
        raise VerifyException(
            f"{matrices} matrices of {encoding.rows(inputs)} rows are needed, got cells of {cells}"
        )
    outputs = shape_of(sums)[-1] - encoding.unit_columns
    if shape_of(sums)[:-1] != (matrices, count) or cells[2] != encoding.columns(outputs):
        raise VerifyException(
            f"{count} vectors and {cells[2]} columns do not go with sums of shape {shape_of(sums)}"
        )
    if integer_of(sums).width.data > 64:
        raise VerifyException("sums have at most 64 bits")


def verify_vectors(attr: VectorsAttr, vectors: SSAValue) -> None:
    """Raises `VerifyException` if a range reaches beyond the vectors."""
    count = shape_of(vectors)[1]
    if attr.data.last > count:
        raise VerifyException(f"vectors {attr} reach beyond the {count} that there are")


def verify_tile(attr: TileAttr, cells: SSAValue, encoding: Encoding) -> None:
    """Raises `VerifyException` if a tile reaches out of the matrices or cuts through a pair."""
    tile = attr.data
    matrices, rows, columns = _three_sizes(cells)
    if tile.matrix >= matrices or tile.rows[-1][1] > rows or tile.columns[-1][1] > columns:
        raise VerifyException(f"tile {attr} reaches out of cells of {(matrices, rows, columns)}")
    row_step, column_step = encoding.row_step, encoding.column_step
    if row_step > 1 and any(row % row_step for ends in tile.rows for row in ends):
        raise VerifyException(f"tile {attr} cuts through a pair of rows")
    if column_step > 1 and any(
        column % column_step and column % encoding.columns_per_output
        for ends in tile.columns
        for column in ends
    ):
        raise VerifyException(f"tile {attr} cuts through a pair of columns")

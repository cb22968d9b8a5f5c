"""The `xbar` dialect: crossbars, what is written into them, and the batched products they give.

A crossbar is a value of type `!xbar.crossbar` that each `write` and `mvm` takes and gives anew, so the order
in which one crossbar works is in the IR as a chain of values: it is used once, and nothing can be computed
before it is written. What does not depend on each other may run at the same time on other crossbars.

A large network has thousands of writes and products, and parsing is what costs time. So these two have a form
of their own without types, since those of the operands say all: it takes less than half the time to parse.
"""

from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.cim.attributes import EncodingAttr, TileAttr, VectorsAttr
from cimc.dialects.cim.constraints import CODES
from cimc.dialects.cim.mapping import verify_product, verify_tile, verify_vectors
from cimc.dialects.numbers import print_number
from cimc.dialects.tensor_types import shape_of


@irdl_attr_definition
class CrossbarType(ParametrizedAttribute, TypeAttribute):
    """A crossbar at a point in time."""

    name = "xbar.crossbar"


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A crossbar of the target by its number, with nothing written.

    ```mlir
    %xb = xbar.alloc {index = 0 : i64}
    ```
    """

    name = "xbar.alloc"

    index = prop_def(IntegerAttr.constr(i64))
    crossbar = result_def(CrossbarType())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict"


@irdl_op_definition
class WriteOp(IRDLOperation):
    """Programs a tile of cell codes into the rows and columns of a crossbar from 0 on.

    ```mlir
    %xb1 = xbar.write %xb, %cells tile<matrix 0, rows 0 to 64, columns 0 to 40>
    ```
    """

    name = "xbar.write"

    tile = prop_def(TileAttr)
    crossbar = operand_def(CrossbarType())
    cells = operand_def(CODES)
    result = result_def(CrossbarType())

    def print(self, printer: Printer) -> None:
        _print_operands(printer, self)
        printer.print_string(" tile")
        self.tile.print_parameter(printer)
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> "WriteOp":
        crossbar, cells = _parse_operands(parser, 2)
        parser.parse_keyword("tile")
        tile = TileAttr(TileAttr.parse_parameter(parser))
        return cls.create(
            operands=[crossbar, cells],
            properties={"tile": tile},
            attributes=parser.parse_optional_attr_dict(),
            result_types=[CrossbarType()],
        )

    def verify_(self) -> None:
        tile = self.tile.data
        shape = shape_of(self.cells)
        end = (tile.matrix + 1, tile.rows[-1][1], tile.columns[-1][1])
        if len(shape) != 3 or any(a > b for a, b in zip(end, shape, strict=True)):
            raise VerifyException(f"tile {self.tile} reaches out of cells of {shape}")


@irdl_op_definition
class MvmOp(IRDLOperation):
    """Streams a batch of vectors through a programmed crossbar and adds the products to accumulators.

    Each vector takes a cycle for each `dac_bits` bits of its codes. The readout of a cycle is shifted by
    the place of the input bits and by that of the column's digit, and added to the sums of the tile
    (shift-and-add, partial sums). Inputs and sums are those of the tile that was written last. With
    `vectors`, only these stream; the others go through a copy of the tile. The first vector waits until all
    are there; if they are `streaming`, each starts as soon as it is there and the one before is through.
    ADCs, where the target's are not ideal, convert sums up to `adc_range` units, if that is given.

    Adding is digital and in any order, so an accumulator is no reason to wait: products of one layer on
    several crossbars run at the same time, and the chain of their sums only says when all are complete.

    ```mlir
    %s, %xb2 = xbar.mvm %xb1, %v, %0 layer "fc"
        encoding<"differential-column", cell_bits 4, slices 2> vectors<0 to 1568>
    ```
    """

    name = "xbar.mvm"

    _S: ClassVar = VarConstraint("S", CODES)

    layer = prop_def(StringAttr)
    encoding = prop_def(EncodingAttr)
    range = opt_prop_def(VectorsAttr, prop_name="vectors")
    streaming = opt_prop_def(UnitAttr)
    adc_range = opt_prop_def(FloatAttr.constr(f64))
    crossbar = operand_def(CrossbarType())
    vectors = operand_def(CODES)
    sums = operand_def(_S)
    result = result_def(_S)
    crossbar_after = result_def(CrossbarType())

    def print(self, printer: Printer) -> None:
        _print_operands(printer, self)
        printer.print_string(" layer ")
        printer.print_string_literal(self.layer.data)
        printer.print_string(" encoding")
        self.encoding.print_parameter(printer)
        if self.range is not None:
            printer.print_string(" vectors")
            self.range.print_parameter(printer)
        if self.streaming is not None:
            printer.print_string(" streaming")
        if self.adc_range is not None:
            printer.print_string(" adc_range ")
            print_number(printer, self.adc_range.value.data)
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> "MvmOp":
        crossbar, vectors, sums = _parse_operands(parser, 3)
        parser.parse_keyword("layer")
        layer = StringAttr(parser.parse_str_literal())
        parser.parse_keyword("encoding")
        properties: dict[str, Attribute] = {
            "layer": layer,
            "encoding": EncodingAttr(EncodingAttr.parse_parameter(parser)),
        }
        if parser.parse_optional_keyword("vectors"):
            properties["vectors"] = VectorsAttr(VectorsAttr.parse_parameter(parser))
        if parser.parse_optional_keyword("streaming"):
            properties["streaming"] = UnitAttr()
        if parser.parse_optional_keyword("adc_range"):
            properties["adc_range"] = FloatAttr(float(parser.parse_number()), f64)
        return cls.create(
            operands=[crossbar, vectors, sums],
            properties=properties,
            attributes=parser.parse_optional_attr_dict(),
            result_types=[sums.type, CrossbarType()],
        )

    def verify_(self) -> None:
        if isinstance(self.crossbar.owner, AllocOp):
            raise VerifyException("nothing has been written into the crossbar")
        vectors, sums = shape_of(self.vectors), shape_of(self.sums)
        if len(vectors) != 3 or len(sums) != 3 or vectors[:2] != sums[:2]:
            raise VerifyException(f"vectors {vectors} do not go with sums {sums}")
        if self.adc_range is not None and not self.adc_range.value.data > 0:
            raise VerifyException(f"adc_range must be above 0, got {self.adc_range.value.data}")
        if self.range is not None:
            verify_vectors(self.range, self.vectors)
        write = self.crossbar.owner
        if isinstance(write, WriteOp):
            encoding = self.encoding.data
            verify_product(self.vectors, shape_of(write.cells), self.sums, encoding)
            verify_tile(write.tile, write.cells, encoding)


def write_of(op: MvmOp) -> WriteOp | None:
    """The write whose tile is in the crossbar for these products; None if nothing has been written."""
    state = op.crossbar.owner
    while isinstance(state, MvmOp):
        state = state.crossbar.owner
    return state if isinstance(state, WriteOp) else None


def _print_operands(printer: Printer, op: IRDLOperation) -> None:
    printer.print_string(" ")
    printer.print_list(op.operands, printer.print_operand)


def _parse_operands(parser: Parser, count: int) -> list[SSAValue]:
    """Operands whose types are those of the values, which must be defined before."""
    operands: list[SSAValue] = []
    for index in range(count):
        if index:
            parser.parse_punctuation(",")
        operand = parser.parse_unresolved_operand()
        values = parser.ssa_values.get(operand.operand_name, ())
        if operand.index >= len(values):
            parser.raise_error(f"%{operand.operand_name} is used before it is defined", operand.span)
        operands.append(values[operand.index])
    return operands


Xbar = Dialect("xbar", [AllocOp, MvmOp, WriteOp], [CrossbarType])

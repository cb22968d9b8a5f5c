"""Attributes of the `cim` dialect. What the runtime shares with the IR is a frozen dataclass there."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from xdsl.dialects.builtin import Float64Type, IntAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from cimc.errors import CimcError
from cimc.runtime.encoding import MAPPINGS, Encoding, MappingName, Tile
from cimc.runtime.quantization import Quantizer
from cimc.target import Target

MIN_WEIGHT_BITS, MAX_WEIGHT_BITS = 2, 16
MIN_ACTIVATION_BITS, MAX_ACTIVATION_BITS = 1, 16


@irdl_attr_definition
class PrecisionAttr(ParametrizedAttribute):
    """How many bits the weights (the stored operand) and the activations of a layer get.

    This is the place where precision lives: the frontend, a policy, a search and a person with an
    editor write it here.

    ```mlir
    #cim.precision<weight 4, activation 5>
    ```
    """

    name = "cim.precision"

    weight_bits: IntAttr = param_def(converter=IntAttr.get)
    activation_bits: IntAttr = param_def(converter=IntAttr.get)

    def verify(self) -> None:
        for what, bits, low, high in (
            ("weight", self.weight, MIN_WEIGHT_BITS, MAX_WEIGHT_BITS),
            ("activation", self.activation, MIN_ACTIVATION_BITS, MAX_ACTIVATION_BITS),
        ):
            if not low <= bits <= high:
                raise VerifyException(f"{what} bits must be from {low} to {high}, got {bits}")

    @property
    def weight(self) -> int:
        """Bits of a weight."""
        return self.weight_bits.data

    @property
    def activation(self) -> int:
        """Bits of an activation."""
        return self.activation_bits.data

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            weight = _parse_bits(parser, "weight", MIN_WEIGHT_BITS, MAX_WEIGHT_BITS)
            parser.parse_punctuation(",")
            activation = _parse_bits(parser, "activation", MIN_ACTIVATION_BITS, MAX_ACTIVATION_BITS)
        return IntAttr(weight), IntAttr(activation)

    def print_parameters(self, printer: Printer) -> None:
        printer.print_string(f"<weight {self.weight}, activation {self.activation}>")


def _parse_bits(parser: AttrParser, keyword: str, low: int, high: int) -> int:
    # Checked here too, since an attribute's verifier cannot say where in the text it failed.
    parser.parse_keyword(keyword)
    pos = parser.pos
    bits = parser.parse_integer(allow_boolean=False, allow_negative=False)
    if not low <= bits <= high:
        parser.raise_error(f"{keyword} bits must be from {low} to {high}, got {bits}", pos)
    return bits


@irdl_attr_definition
class QuantizerAttr(Data[Quantizer]):
    """How float values become codes: width and sign, scale, zero point, and whether the range is narrow.

    ```mlir
    #cim.quantizer<ui5, scale 0.0625, zero_point 0>
    #cim.quantizer<si4, scale 0.5, zero_point 0, narrow>
    ```
    """

    name = "cim.quantizer"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Quantizer:
        with parser.in_angle_brackets():
            pos = parser.pos
            width = parser.parse_identifier()
            if width[:2] not in ("si", "ui") or not width[2:].isdecimal():
                parser.raise_error("a width like `ui5` or `si8` is needed", pos)
            bits = int(width[2:])
            if not 1 <= bits <= 32:
                parser.raise_error(f"a width from 1 to 32 bits is needed, got {bits}", pos)
            parser.parse_punctuation(",")
            parser.parse_keyword("scale")
            pos = parser.pos
            scale = float(parser.parse_number(allow_boolean=False))
            if not 0 < scale < float("inf"):
                parser.raise_error(f"a scale must be above 0, got {scale}", pos)
            parser.parse_punctuation(",")
            parser.parse_keyword("zero_point")
            zero_point = parser.parse_integer(allow_boolean=False)
            narrow = parser.parse_optional_punctuation(",") is not None
            if narrow:
                parser.parse_keyword("narrow")
        return Quantizer(scale, zero_point, bits, width[0] == "s", narrow)

    def print_parameter(self, printer: Printer) -> None:
        q = self.data
        with printer.in_angle_brackets():
            printer.print_string(f"{'s' if q.signed else 'u'}i{q.bits}, scale ")
            printer.print_float(q.scale, Float64Type())
            printer.print_string(f", zero_point {q.zero_point}{', narrow' if q.narrow else ''}")


@irdl_attr_definition
class EncodingAttr(Data[Encoding]):
    """How weights lie in cells: the mapping, the bits of a cell, the digits of a weight.

    ```mlir
    #cim.encoding<"differential-column", cell_bits 4, slices 2>
    ```
    """

    name = "cim.encoding"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Encoding:
        with parser.in_angle_brackets():
            mapping = parse_mapping(parser)
            parser.parse_punctuation(",")
            parser.parse_keyword("cell_bits")
            cell_bits = _parse_positive(parser, 8)
            parser.parse_punctuation(",")
            parser.parse_keyword("slices")
            slices = _parse_positive(parser, 16)
        return Encoding(mapping, cell_bits, slices)

    def print_parameter(self, printer: Printer) -> None:
        e = self.data
        printer.print_string(f'<"{e.mapping}", cell_bits {e.cell_bits}, slices {e.slices}>')


def parse_mapping(parser: AttrParser) -> MappingName:
    """The name of a mapping, as a string."""
    pos = parser.pos
    mapping = parser.parse_str_literal()
    if mapping not in MAPPINGS:
        parser.raise_error(f"a mapping is one of {', '.join(MAPPINGS)}, not {mapping!r}", pos)
    return mapping


def _parse_positive(parser: AttrParser, high: int) -> int:
    pos = parser.pos
    value = parser.parse_integer(allow_boolean=False, allow_negative=False)
    if not 1 <= value <= high:
        parser.raise_error(f"a number from 1 to {high} is needed, got {value}", pos)
    return value


@irdl_attr_definition
class TileAttr(Data[Tile]):
    """A part of an encoded matrix that fits a crossbar.

    ```mlir
    #cim.tile<matrix 0, rows 256 to 512, columns 0 to 256>
    ```
    """

    name = "cim.tile"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Tile:
        with parser.in_angle_brackets():
            parser.parse_keyword("matrix")
            matrix = parser.parse_integer(allow_boolean=False, allow_negative=False)
            parser.parse_punctuation(",")
            rows = _parse_range(parser, "rows")
            parser.parse_punctuation(",")
            columns = _parse_range(parser, "columns")
        return Tile(matrix, *rows, *columns)

    def print_parameter(self, printer: Printer) -> None:
        t = self.data
        printer.print_string(
            f"<matrix {t.matrix}, rows {t.row} to {t.row_end}, columns {t.column} to {t.column_end}>"
        )


def _parse_range(parser: AttrParser, keyword: str) -> tuple[int, int]:
    parser.parse_keyword(keyword)
    pos = parser.pos
    start = parser.parse_integer(allow_boolean=False, allow_negative=False)
    parser.parse_keyword("to")
    end = parser.parse_integer(allow_boolean=False, allow_negative=False)
    if start >= end:
        parser.raise_error(f"{keyword} {start} to {end} are none", pos)
    return start, end


@irdl_attr_definition
class TargetAttr(Data[Target]):
    """The hardware, on the module as `cim.target`: every pass and the simulator read it from there.

    ```mlir
    #cim.target<name = "rram-256x256-c4", rows = 256, cols = 256, cell_bits = 4, dac_bits = 1,
                write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column">
    ```
    """

    name = "cim.target"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Target:
        pos = parser.pos
        values: dict[str, Any] = {}

        def entry() -> None:
            key = parser.parse_identifier()
            parser.parse_punctuation("=")
            text = parser.parse_optional_str_literal()
            values[key] = parser.parse_number() if text is None else text

        parser.parse_comma_separated_list(parser.Delimiter.ANGLE, entry)
        known = {f.name for f in fields(Target)}
        if set(values) != known:
            wrong = ", ".join(sorted(set(values) ^ known))
            parser.raise_error(f"missing or unknown keys of a target: {wrong}", pos)
        try:
            return Target(**values)
        except CimcError as e:
            parser.raise_error(str(e), pos)

    def print_parameter(self, printer: Printer) -> None:
        def entry(name: str) -> None:
            value = getattr(self.data, name)
            printer.print_string(f"{name} = ")
            if isinstance(value, str):
                printer.print_string_literal(value)
            elif "e" in repr(value):  # 1e-07 is no number in MLIR
                printer.print_float(value, Float64Type())
            else:
                printer.print_string(repr(value))

        with printer.in_angle_brackets():
            printer.print_list([f.name for f in fields(Target)], entry)


TARGET = "cim.target"
"""The module's attribute that holds the target."""

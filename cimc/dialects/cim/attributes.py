"""Attributes of the `cim` dialect. What the runtime shares with the IR is a frozen dataclass there."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition, param_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.numbers import print_number
from cimc.errors import CimcError
from cimc.mapping.structure import Packing, Structure
from cimc.runtime.encoding import MAPPINGS, Encoding, MappingName
from cimc.runtime.packing import axes_of
from cimc.runtime.quantization import Quantizer
from cimc.runtime.tile import Range, Tile
from cimc.runtime.vectors import Vectors
from cimc.target import SECTIONS, Target

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
            print_number(printer, q.scale)
            printer.print_string(f", zero_point {q.zero_point}{', narrow' if q.narrow else ''}")


@irdl_attr_definition
class EncodingAttr(Data[Encoding]):
    """How weights lie in cells: the mapping, the bits of a cell, the digits of a weight.

    Then what differs from the plain form: balanced digits, an offset that the digital part takes off, planes
    of input digits (of so many bits) that are applied together.

    ```mlir
    #cim.encoding<"differential-column", cell_bits 4, slices 2>
    #cim.encoding<"differential-column", cell_bits 2, slices 3, balanced>
    #cim.encoding<"offset", cell_bits 4, slices 3, digital, planes 5 of 1>
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
            slices = _parse_positive(parser, 32)
            options: dict[str, Any] = {}
            pos = parser.pos
            while parser.parse_optional_punctuation(","):
                key = parser.expect(parser.parse_optional_identifier, "an option of the encoding is needed")
                if key == "planes":
                    options["planes"] = _parse_positive(parser, 16)
                    parser.parse_keyword("of")
                    options["plane_bits"] = _parse_positive(parser, 16)
                elif key in ("balanced", "digital"):
                    options[key] = True
                else:
                    parser.raise_error(f"an encoding is balanced, digital or has planes, not {key!r}", pos)
        try:
            return Encoding(mapping, cell_bits, slices, **options)
        except ValueError as e:
            parser.raise_error(str(e), pos)

    def print_parameter(self, printer: Printer) -> None:
        e = self.data
        printer.print_string(f'<"{e.mapping}", cell_bits {e.cell_bits}, slices {e.slices}')
        printer.print_string(", balanced" * e.balanced + ", digital" * e.digital)
        if e.planes > 1:
            printer.print_string(f", planes {e.planes} of {e.plane_bits}")
        printer.print_string(">")


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
class PackingAttr(Data[Packing]):
    """What shares a stored matrix: groups (or heads) on its diagonal, and output positions along each axis.

    If it is covered, its tiles are those of a known cover.

    ```mlir
    #cim.packing<groups 28, positions [1, 1]>
    #cim.packing<groups 1, positions [2, 4], covered>
    ```
    """

    name = "cim.packing"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Packing:
        with parser.in_angle_brackets():
            parser.parse_keyword("groups")
            groups = _parse_positive(parser, 1 << 16)
            parser.parse_punctuation(",")
            return Packing(groups, _parse_sizes(parser, "positions"), _parse_covered(parser))

    def print_parameter(self, printer: Printer) -> None:
        p = self.data
        covered = ", covered" * p.covered
        printer.print_string(f"<groups {p.groups}, positions {list(p.positions)}{covered}>")


@irdl_attr_definition
class StructureAttr(Data[Structure]):
    """Which blocks of a packed matrix are in use; all others are empty and take no cells.

    ```mlir
    #cim.structure<groups 1, positions [2, 2], kernel [3, 3], strides [1, 1], dilations [1, 1]>
    ```
    """

    name = "cim.structure"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Structure:
        with parser.in_angle_brackets():
            parser.parse_keyword("groups")
            groups = _parse_positive(parser, 1 << 16)
            pos = parser.pos
            sizes: list[tuple[int, ...]] = []
            for keyword in ("positions", "kernel", "strides", "dilations"):
                parser.parse_punctuation(",")
                sizes.append(_parse_sizes(parser, keyword))
            covered = _parse_covered(parser)
        positions, *windows = sizes
        if len({len(size) for size in sizes}) != 1:
            parser.raise_error("positions, kernel, strides and dilations have as many axes", pos)
        return Structure(groups, positions, axes_of(*windows), covered)

    def print_parameter(self, printer: Printer) -> None:
        s = self.data
        printer.print_string(f"<groups {s.groups}, positions {list(s.positions)}")
        for keyword in ("kernel", "stride", "dilation"):
            plural = keyword if keyword == "kernel" else f"{keyword}s"
            printer.print_string(f", {plural} {[getattr(axis, keyword) for axis in s.axes]}")
        printer.print_string(f"{', covered' * s.covered}>")


def _parse_covered(parser: AttrParser) -> bool:
    if parser.parse_optional_punctuation(",") is None:
        return False
    parser.parse_keyword("covered")
    return True


def _parse_sizes(parser: AttrParser, keyword: str) -> tuple[int, ...]:
    parser.parse_keyword(keyword)
    return tuple(
        parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_positive(parser, 1 << 20))
    )


@irdl_attr_definition
class TileAttr(Data[Tile]):
    """A part of an encoded matrix that fits a crossbar: some of its rows, some of its columns.

    Cells that another tile holds are left out.

    ```mlir
    #cim.tile<matrix 0, rows 256 to 512, columns 0 to 256>
    #cim.tile<matrix 0, rows 0 to 64, 128 to 192, columns 0 to 256, without rows 0 to 64 columns 0 to 128>
    ```
    """

    name = "cim.tile"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Tile:
        with parser.in_angle_brackets():
            parser.parse_keyword("matrix")
            matrix = parser.parse_integer(allow_boolean=False, allow_negative=False)
            parser.parse_punctuation(",")
            rows = _parse_ranges(parser, "rows", followed=True)
            columns = _parse_ranges(parser, "columns", followed=False)
            without: list[tuple[Range, Range]] = []
            while parser.parse_optional_keyword("without"):
                parser.parse_keyword("rows")
                hidden = _parse_range(parser, "rows")
                parser.parse_keyword("columns")
                without.append((hidden, _parse_range(parser, "columns")))
                parser.parse_optional_punctuation(",")
        return Tile(matrix, rows, columns, tuple(without))

    def print_parameter(self, printer: Printer) -> None:
        t = self.data
        printer.print_string(f"<matrix {t.matrix}, rows {_ranges(t.rows)}, columns {_ranges(t.columns)}")
        for rows, columns in t.without:
            printer.print_string(f", without rows {_ranges([rows])} columns {_ranges([columns])}")
        printer.print_string(">")


def _ranges(ranges: Sequence[Range]) -> str:
    return ", ".join(f"{start} to {end}" for start, end in ranges)


def _parse_ranges(parser: AttrParser, keyword: str, *, followed: bool) -> tuple[Range, ...]:
    """Rising ranges that do not touch, and the comma behind them if something follows."""
    parser.parse_keyword(keyword)
    pos = parser.pos
    ranges = [_parse_range(parser, keyword)]
    while parser.parse_optional_punctuation(","):
        start = parser.parse_optional_integer(allow_boolean=False, allow_negative=False)
        if start is None:
            return tuple(ranges)
        ranges.append(_parse_range(parser, keyword, start))
        if start <= ranges[-2][1]:
            parser.raise_error(f"{keyword} {_ranges(ranges[-2:])} do not rise with a gap between them", pos)
    if followed:
        parser.raise_error("a comma is needed")
    return tuple(ranges)


def _parse_range(parser: AttrParser, keyword: str, start: int | None = None) -> Range:
    pos = parser.pos
    if start is None:
        start = parser.parse_integer(allow_boolean=False, allow_negative=False)
    parser.parse_keyword("to")
    end = parser.parse_integer(allow_boolean=False, allow_negative=False)
    if start >= end:
        parser.raise_error(f"{keyword} {start} to {end} are none", pos)
    return start, end


@irdl_attr_definition
class VectorsAttr(Data[Vectors]):
    """Some of the vectors of a batch: from the first number up to, but without, the second.

    ```mlir
    #cim.vectors<0 to 1568>
    #cim.vectors<1 to 3136 step 4>
    ```
    """

    name = "cim.vectors"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Vectors:
        with parser.in_angle_brackets():
            first, last = _parse_range(parser, "vectors")
            step = _parse_positive(parser, 1 << 32) if parser.parse_optional_keyword("step") else 1
        return Vectors(first, last, step)

    def print_parameter(self, printer: Printer) -> None:
        v = self.data
        step = f" step {v.step}" if v.step > 1 else ""
        printer.print_string(f"<{v.first} to {v.last}{step}>")


@irdl_attr_definition
class TargetAttr(Data[Target]):
    """The hardware, on the module as `cim.target`: every pass and the simulator read it from there.

    ```mlir
    #cim.target<name = "rram-256x256-c4", rows = 256, cols = 256, cell_bits = 4, dac_bits = 1,
                write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column",
                reads = ["differential", "single-ended"]>
    ```
    """

    name = "cim.target"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Target:
        pos = parser.pos
        values = _parse_entries(parser, parser.Delimiter.ANGLE)
        known = {f.name for f in fields(Target)}
        needed = known - _OPTIONAL_KEYS
        if wrong := sorted((needed - values.keys()) | (values.keys() - known)):
            parser.raise_error(f"missing or unknown keys of a target: {', '.join(wrong)}", pos)
        try:
            return Target(**values)
        except CimcError as e:
            parser.raise_error(str(e), pos)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            _print_entries(printer, self.data.as_table())


_OPTIONAL_KEYS = {"reads", *SECTIONS}


def _parse_entries(parser: AttrParser, delimiter: AttrParser.Delimiter) -> dict[str, Any]:
    """Keys with numbers, strings, lists of them, or entries of their own in braces."""
    values: dict[str, Any] = {}

    def entry() -> None:
        key = parser.parse_identifier()
        parser.parse_punctuation("=")
        values[key] = _parse_value(parser)

    parser.parse_comma_separated_list(delimiter, entry)
    return values


def _parse_value(parser: AttrParser) -> Any:
    if (
        values := parser.parse_optional_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: _parse_value(parser)
        )
    ) is not None:
        return values
    if (text := parser.parse_optional_str_literal()) is not None:
        return text
    pos = parser.pos
    if (utf8 := parser.parse_optional_bytes_literal()) is not None:  # text that is not all ASCII
        try:
            return utf8.decode()
        except UnicodeDecodeError:
            parser.raise_error("text must be UTF-8", pos)
    if (boolean := parser.parse_optional_boolean()) is not None:
        return boolean
    if (number := parser.parse_optional_number()) is not None:
        return number
    return _parse_entries(parser, parser.Delimiter.BRACES)


def _print_entries(printer: Printer, values: Mapping[str, Any]) -> None:
    def entry(name: str) -> None:
        printer.print_string(f"{name} = ")
        _print_value(printer, values[name])

    printer.print_list(values, entry)


def _print_value(printer: Printer, value: Any) -> None:
    if isinstance(value, str):
        printer.print_string_literal(value)
    elif isinstance(value, bool):
        printer.print_string(str(value).lower())
    elif isinstance(value, tuple):
        with printer.in_square_brackets():
            printer.print_list(cast(tuple[Any, ...], value), lambda v: _print_value(printer, v))
    elif isinstance(value, dict):
        with printer.in_braces():
            _print_entries(printer, cast(dict[str, Any], value))
    elif "e" in repr(value):  # 1e-07 is no number in MLIR
        print_number(printer, value)
    else:
        printer.print_string(repr(value))


TARGET = "cim.target"
"""The module's attribute that holds the target."""

"""A chip's analog parts together: how products come out of a programmed tile."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.analog.adc import Adc, Converter
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.conductances import Conductances
from cimc.runtime.analog.digits import InputDigits
from cimc.runtime.analog.readout import AtOnce, CycleByCycle, NoisyAtOnce, ReadGroup, Readout
from cimc.runtime.analog.sums import ColumnSums, ExactSums, NoisyCells, NoisyColumns, columns_of, per_read
from cimc.runtime.analog.wires import Wires, effective
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding, Read
from cimc.runtime.products import StoredMatrix
from cimc.runtime.tile import Tile


@dataclass(frozen=True)
class Analog:
    """What a chip's converters, cells and wires are like."""

    adc: Adc = field(default_factory=Adc)
    cells: Cells = field(default_factory=Cells)
    wires: Wires = field(default_factory=Wires)
    dac_bits: int = 1

    @property
    def is_exact(self) -> bool:
        """Whether all reads are what they should be."""
        return self.adc.bits is None and self.cells == Cells() and self.wires.are_ideal

    def digits(self, encoding: Encoding, width: int, signed: bool) -> InputDigits:
        """How codes of a width drive the rows of a tile."""
        bits = encoding.plane_bits if encoding.planes > 1 else self.dac_bits
        cycles = encoding.cycles(-(-width // bits))
        largest = 1 << (width - 1) if signed else (1 << width) - 1
        return InputDigits(bits, bits * encoding.planes, cycles, signed, largest)

    def readout(
        self,
        g: Conductances,
        tile: Tile,
        encoding: Encoding,
        digits: InputDigits,
        adc_range: float | None = None,
    ) -> Readout:
        """How products come out of a tile [rows, columns] that conducts `g`: as `groups` says, or at once."""
        if not self.wires.are_ideal:
            g = through_wires(g, self.wires, self.cells.conductances(encoding.cell_bits)[-1])
        parts = read_parts(self.cells, g, tile, encoding)
        groups = self.groups(parts, tile, digits, adc_range)
        outputs = encoding.sum_count(tile)
        by_cell = self.cells.read_noise and self.cells.read_kind == "log-normal"
        if by_cell or any(group.converter for group in groups):
            return CycleByCycle(groups, outputs)
        matrix = StoredMatrix(_whole(np.sum([p.by_sum(p.weights, outputs, 1) for p in parts], axis=0)))
        if not self.cells.read_noise:
            return AtOnce(matrix)
        variances = np.sum([p.by_sum(p.variances, outputs, 2) for p in parts], axis=0)
        return NoisyAtOnce(matrix, StoredMatrix((parts[0].deviation ** 2 * variances).astype(np.float32)))

    def groups(
        self, parts: "Sequence[ReadPart]", tile: Tile, digits: InputDigits, adc_range: float | None
    ) -> tuple[ReadGroup, ...]:
        """What is read from a tile in a cycle, with what converts it.

        The range of its ADCs in units is `adc_range`, or else that of all ADCs, or else the largest sum that
        its rows can give: (2^cell_bits - 1) * rows * largest digit, where a pair of rows counts once.
        """
        rows = tile.shape[0] // parts[0].encoding.row_step
        full = parts[0].highest * rows * digits.largest
        limit = adc_range or self.adc.range or full
        return tuple(self._group(part, digits, limit) for part in parts)

    def _group(self, part: "ReadPart", digits: InputDigits, limit: float) -> ReadGroup:
        symmetric = part.reads[0].symmetric
        noisy = self.cells.read_noise > 0
        converter = None if self.adc.bits is None else self.adc.converter(limit, symmetric=symmetric)
        if converter and not symmetric and digits.drives_both_ways:
            raise CimcError(
                f"inputs with a sign, {digits.bits} bits of them at a time, give sums of both signs, which "
                "ADCs of single columns do not read: take a differential mapping, or dac_bits = 1"
            )
        fits = converter is None or (not noisy and _fits(converter, part.weights, digits))
        if converter and converter.whole_units and fits and part.is_whole:
            converter = None  # it reads every unit
        return ReadGroup(part.reads, self._sums(part), converter, may_clip=not fits)

    def _sums(self, part: "ReadPart") -> ColumnSums:
        weights = StoredMatrix(part.weights)
        if not self.cells.read_noise:
            return ExactSums(weights)
        if self.cells.read_kind == "log-normal":
            return NoisyCells(part.g, self.cells, part.highest, part.reads, part.encoding.row_step)
        return NoisyColumns(weights, StoredMatrix(part.variances), part.deviation)


def through_wires(g: Conductances, wires: Wires, highest: float) -> Conductances:
    """What a tile's cells conduct as seen from its terminals, where the highest level is `highest` steps.

    What noise has put below 0 conducts nothing here.
    """
    seen = effective(np.maximum(g.whole, 0), wires, wires.on_siemens / highest)
    return Conductances(seen.astype(np.float32), lowest=0.0)


def read_parts(cells: Cells, g: Conductances, tile: Tile, encoding: Encoding) -> "list[ReadPart]":
    """The reads of a tile: those of pairs first, then those of single columns."""
    return [
        ReadPart(cells, encoding, g, reads)
        for symmetric in (True, False)
        if (reads := tuple(read for read in encoding.reads(tile) if read.symmetric == symmetric))
    ]


@dataclass(frozen=True)
class ReadPart:
    """Reads of a tile that are alike, as matrices [rows, a pair of them as one; columns, or pairs]."""

    cells: Cells
    encoding: Encoding
    g: Conductances
    reads: tuple[Read, ...]

    @property
    def highest(self) -> int:
        """The largest code of a cell."""
        return (1 << self.encoding.cell_bits) - 1

    @cached_property
    def weights(self) -> Array:
        """What a digit of 1 gives, in units; whole numbers if all are."""
        in_pairs = self.reads[0].symmetric
        return _whole(
            per_read(self.g.above if in_pairs else self.g.whole, self.reads, self.encoding.row_step)
        )

    @property
    def is_whole(self) -> bool:
        """Whether all weights are whole numbers."""
        return self.weights.dtype.kind == "i"

    @property
    def deviation(self) -> float:
        """The unit of the square root of variances."""
        additive = self.cells.read_kind == "additive"
        return self.cells.read_noise * (self.highest if additive else 1)

    @cached_property
    def variances(self) -> Array:
        """Of what a digit of 1 gives. Additive noise is the same in all columns, and takes one."""
        additive = self.cells.read_kind == "additive"
        squares = np.ones_like(self.g.above) if additive else np.square(self.g.whole)
        variances = _whole(per_read(squares, self.reads, self.encoding.row_step, add=True))
        return variances[:, :1] if additive else variances

    def by_sum(self, matrix: Array, outputs: int, power: int) -> Array:
        """Columns of reads, times a power of what they count, added up by sum: [rows, sums of the tile]."""
        added = np.zeros((len(matrix), outputs))
        for columns, read in columns_of(self.reads):
            part = matrix if matrix.shape[1] == 1 else matrix[:, columns]
            added[:, read.sums] += float(read.factor**power) * part
        return added


def _whole(matrix: Array) -> Array:
    """Whole numbers as such, int64 or less; others float32."""
    rounded = np.rint(matrix)
    if np.array_equal(rounded, matrix):
        return rounded.astype(np.int64 if matrix.dtype == np.float64 else np.int32)
    return matrix.astype(np.float32, copy=False)


def _fits(converter: Converter, weights: Array, digits: InputDigits) -> bool:
    """Whether no sum is out of a converter's range."""
    high = float(np.maximum(weights, 0).sum(axis=0, dtype=np.float64).max(initial=0)) * digits.largest
    low = float(np.minimum(weights, 0).sum(axis=0, dtype=np.float64).min(initial=0)) * digits.largest
    if digits.drives_both_ways:
        low, high = min(low, -high), max(high, -low)
    return converter.holds(low, high)

"""How integer weights become cell codes, and how column sums become products again."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.tile import Index, Tile, as_index

MappingName: TypeAlias = Literal["differential-column", "differential-row", "mixed-digits", "offset"]

MAPPINGS: tuple[MappingName, ...] = get_args(MappingName)


@dataclass(frozen=True)
class Encoding:
    """A weight is cut into `slices` digits of `cell_bits` bits, the lowest first.

    - differential-column: a digit lies in two neighbouring columns, w = g+ - g-, of which one is 0
      (sign and magnitude); the pair is read as one difference.
    - differential-row: the same in two neighbouring rows, driven by x and -x.
    - mixed-digits: only the top digit has a sign and lies in a pair of columns; the lower ones are what is
      left, not negative, in single columns.
    - offset: w + offset is not negative and lies in single columns; one more column of ones gives the sum
      of the inputs, by which the offset is taken off again. With `digital`, weights come without a sign, and
      the digital part takes off what was added to them: there is no column of ones.

    A `balanced` pair of cells of c bits holds a digit from -(2^c - 1) to 2^c - 1, of either sign whatever the
    weight's: the radix is 2^(c+1) - 1, not 2^c.

    `planes` input digits are applied in one cycle, on rows of their own: an input has as many rows, and the
    row of plane p holds the weight times 2^(p * plane_bits). Cycle t drives it with digit t * planes + p,
    where a digit has `plane_bits` bits. Inputs are not negative then.

    Rows are ordered by input, plane, sign. Columns are ordered by output, digit, sign; the digits of every
    second output are mirrored if they are mixed, so that pairs always begin at an even column.
    """

    mapping: MappingName
    cell_bits: int
    slices: int
    balanced: bool = False
    digital: bool = False
    planes: int = 1
    plane_bits: int = 1

    def __post_init__(self) -> None:
        if self.balanced and not self.mapping.startswith("differential"):
            raise ValueError("only digits in pairs are balanced")
        if self.digital and self.mapping != "offset":
            raise ValueError("only an offset is taken off by the digital part")
        if self.planes > 1 and self.unit_columns:
            raise ValueError("a column of ones reads no stacked planes")

    @property
    def row_step(self) -> int:
        """Rows that are driven by one digit of an input and its negative."""
        return 2 if self.mapping == "differential-row" else 1

    @property
    def column_step(self) -> int:
        """Tiles may be cut before each column whose number this divides, and after each output."""
        return 2 if self.mapping in ("differential-column", "mixed-digits") else 1

    @property
    def columns_per_output(self) -> int:
        """Columns that the digits of an output take."""
        match self.mapping:
            case "differential-column":
                return 2 * self.slices
            case "mixed-digits":
                return self.slices + 1
            case _:
                return self.slices

    @property
    def unit_columns(self) -> int:
        """Columns of ones that read the sum of the inputs."""
        return 1 if self.mapping == "offset" and not self.digital else 0

    @property
    def radix(self) -> int:
        """What the second digit counts."""
        return (2 << self.cell_bits) - 1 if self.balanced else 1 << self.cell_bits

    def rows(self, inputs: int) -> int:
        """Rows that a matrix with so many inputs takes."""
        return inputs * self.planes * self.row_step

    def columns(self, outputs: int) -> int:
        """Columns that a matrix with so many outputs takes."""
        return outputs * self.columns_per_output + self.unit_columns

    def sums(self, outputs: int) -> int:
        """Sums a vector gives: one an output, and that of the unit column."""
        return outputs + self.unit_columns

    def cycles(self, input_digits: int) -> int:
        """Cycles that a vector of inputs of so many digits takes."""
        return -(-input_digits // self.planes)

    def readouts(self, tile: Tile) -> int:
        """Column sums that are read from a tile in a cycle: a pair of columns is one."""
        return sum(read.width for read in self.reads(tile))

    def sum_count(self, tile: Tile) -> int:
        """To how many sums a tile's columns contribute."""
        return _parts(self, tile.columns)[0].outputs

    def reads(self, tile: Tile) -> tuple["Read", ...]:
        """What is read from a tile in a cycle: a pair of columns as one difference."""
        return _reads(self, tile.columns)

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest code that the digits hold, in the plane that counts most."""
        digit = (1 << self.cell_bits) - 1
        top = self.radix ** (self.slices - 1)
        whole = digit * (self.radix**self.slices - 1) // (self.radix - 1)
        lowest = {"mixed-digits": -digit * top, "offset": 0}.get(self.mapping, -whole)
        most = 1 << (self.plane_bits * (self.planes - 1))
        return -(-lowest // most), whole // most

    def encode(self, weights: Array, offset: Array | None = None) -> Array:
        """The cell codes, uint8 [rows, columns], of an integer matrix [inputs, outputs].

        `offset` ([outputs], for the offset mapping) is added to the weights. Raises `ValueError` if a
        weight does not fit.
        """
        codes: Array = weights if offset is None else weights + offset
        low, high = int(codes.min(initial=0)), int(codes.max(initial=0))
        lowest, highest = self.limits
        if low < lowest or high > highest:
            raise ValueError(
                f"weights from {low} to {high} do not fit {self.slices} digits of {self.cell_bits} "
                f"bits in the {self.mapping} mapping, which hold {lowest} to {highest}"
            )
        inputs, outputs = codes.shape
        cells = np.empty((self.rows(inputs), self.columns(outputs)), np.uint8)
        if self.unit_columns:
            cells[:, -1] = 1
        span = np.arange(low, high + 1)
        if self.mapping == "mixed-digits":
            codes = codes.astype(np.int32)
            codes[:, 1::2] += len(span)  # every second output in the mirror
        for plane in range(self.planes):
            digits = _digits(self, span << (plane * self.plane_bits))
            rows = slice(plane * self.row_step, None, self.planes * self.row_step)
            of_plane = cells[rows, : outputs * self.columns_per_output]
            positive, negative = np.maximum(digits, 0), np.maximum(-digits, 0)
            if self.mapping == "differential-column":
                pairs = np.stack([positive, negative], axis=2).reshape(len(span), -1)
                _look_up(pairs, codes, low, of_plane)
            elif self.mapping == "differential-row":
                _look_up(positive, codes, low, of_plane)
                _look_up(negative, codes, low, cells[rows.start + 1 :: rows.step])
            elif self.mapping == "mixed-digits":
                pair = np.stack([positive[:, -1], negative[:, -1]], axis=1)
                lower = positive[:, :-1]
                both = np.concatenate([np.hstack([pair, lower[:, ::-1]]), np.hstack([lower, pair])])
                _look_up(both, codes, low, of_plane)
            else:
                _look_up(positive, codes, low, of_plane)
        return cells

    def encode_all(self, matrices: Array, offset: Array | None = None) -> Array:
        """The cell codes, uint8 [matrices, rows, columns], of matrices [matrices, inputs, outputs].

        `offset` is [outputs] for all matrices, or [matrices, outputs].
        """
        offsets = [offset] * len(matrices) if offset is None or offset.ndim == 1 else offset
        cells = [self.encode(matrix, own) for matrix, own in zip(matrices, offsets, strict=True)]
        return cells[0][None] if len(cells) == 1 else np.stack(cells)

    def driven(self, vectors: Array, tile: Tile) -> Array:
        """What drives a tile over all cycles: [vectors, inputs] to [vectors, rows, a pair of them as one].

        A row's value is the sum of the digits that it is driven with, each times what its cycle counts.
        """
        inputs, index = _driven_by(self, tile.rows)
        codes = vectors[:, inputs]
        if self.planes == 1:
            return codes[:, index]
        if vectors.dtype.kind != "u":
            raise ValueError("inputs of stacked planes have no sign")
        stacked = np.empty((*codes.shape, self.planes), codes.dtype)
        for plane in range(self.planes):
            np.right_shift(codes, codes.dtype.type(plane * self.plane_bits), out=stacked[..., plane])
        # Plane p is driven in cycle t by digit t * planes + p of the code, the others are left out.
        mask, stride = (1 << self.plane_bits) - 1, self.planes * self.plane_bits
        kept = sum(mask << place for place in range(0, 8 * codes.itemsize, stride))
        stacked &= codes.dtype.type(kept & np.iinfo(codes.dtype).max)
        return stacked.reshape(len(codes), -1)[:, index]

    def sums_of(self, tile: Tile) -> Index:
        """The sums to which a tile's columns contribute."""
        return _sums_of(self, tile.columns)

    def decode(self, cells: Array, tile: Tile) -> Array:
        """What a tile multiplies what drives it with: int64 [rows, a pair of them as one; sums of the tile].

        Digits of an output that lie in other tiles are missing from it, and come in by their own.
        """
        values = cells.astype(np.int64 if self.radix**self.slices >> 31 else np.int32)
        if self.mapping == "differential-row":
            values = values[0::2] - values[1::2]
        parts = _parts(self, tile.columns)
        decoded = np.zeros((len(values), parts[0].outputs), values.dtype)
        for part in parts:
            decoded[:, part.sums] += part.factor * values[:, part.columns]
        return decoded

    def unstacked(self, weights: Array, tile: Tile) -> "tuple[Array, Encoding, Tile] | None":
        """The first planes alone of what `decode` gives: driven by whole codes, their products are the same.

        None if they are not, since the tile lacks planes, or columns with digits that only some planes have.
        """
        step = self.planes * self.row_step
        if self.planes == 1 or any(end % step for range_ in tile.rows for end in range_):
            return None
        by_plane = weights.reshape(-1, self.planes, weights.shape[1])
        places = 1 << (self.plane_bits * np.arange(self.planes))
        if not np.array_equal(by_plane, by_plane[:, :1] * places[:, None]):
            return None
        rows = tuple((start // self.planes, end // self.planes) for start, end in tile.rows)
        return by_plane[:, 0], replace(self, planes=1), replace(tile, rows=rows)


@dataclass(frozen=True)
class Read:
    """Columns of a tile that are read alike, each less its partner in `minus` if there is one.

    A read is `symmetric` if it may have either sign; it counts `factor` in one of the tile's sums.
    """

    plus: Index
    minus: Index | None
    factor: int
    symmetric: bool
    sums: Index
    width: int
    """How many columns, or pairs, they are."""


@dataclass(frozen=True)
class _Part:
    """Columns of a tile that hold one digit, with one sign: what they count in which sums of the tile."""

    factor: int
    columns: Index
    sums: Index
    outputs: int
    """Sums that the tile has in all."""
    width: int


@lru_cache(maxsize=4096)
def _outputs_of(encoding: Encoding, columns: tuple[tuple[int, int], ...]) -> tuple[Array, Array]:
    """The output of each column, and the column's place among those of its output, mirrored or not."""
    numbers = Tile(0, ((0, 1),), columns).column_numbers
    outputs, places = np.divmod(numbers, encoding.columns_per_output)
    if encoding.mapping == "mixed-digits":
        mirrored = encoding.columns_per_output - 1 - places
        # The pair lies first, and in the mirror last, with its sign as before.
        mirrored = np.where(mirrored < 2, 1 - mirrored, mirrored)
        places = np.where(outputs % 2, mirrored, places)
    return outputs, places


@lru_cache(maxsize=4096)
def _driven_by(encoding: Encoding, rows: tuple[tuple[int, int], ...]) -> tuple[slice, Index]:
    """A range of inputs that holds those of a tile's rows, and which of its inputs, or its pairs of an input
    and a plane, drive the rows."""
    numbers = Tile(0, rows, ((0, 1),)).row_numbers[:: encoding.row_step] // encoding.row_step
    first, last = int(numbers[0]) // encoding.planes, int(numbers[-1]) // encoding.planes
    return slice(first, last + 1), as_index(numbers - first * encoding.planes)


@lru_cache(maxsize=4096)
def _sums_of(encoding: Encoding, columns: tuple[tuple[int, int], ...]) -> Index:
    return as_index(np.unique(_outputs_of(encoding, columns)[0]))


@lru_cache(maxsize=4096)
def _parts(encoding: Encoding, columns: tuple[tuple[int, int], ...]) -> tuple[_Part, ...]:
    outputs, places = _outputs_of(encoding, columns)
    sums = np.unique(outputs)
    parts: list[_Part] = []
    for place in np.unique(places):
        chosen = np.flatnonzero(places == place)
        among = as_index(np.searchsorted(sums, outputs[chosen]))
        factor = _factor(encoding, int(place))
        parts.append(_Part(factor, as_index(chosen), among, len(sums), len(chosen)))
    return tuple(parts)


@lru_cache(maxsize=4096)
def _reads(encoding: Encoding, columns: tuple[tuple[int, int], ...]) -> tuple[Read, ...]:
    by_rows = encoding.mapping == "differential-row"
    reads: list[Read] = []
    for part in _parts(encoding, columns):
        if part.factor > 0:
            reads.append(Read(part.columns, None, part.factor, by_rows, part.sums, part.width))
        else:  # the pair's other half lies before it
            reads[-1] = replace(reads[-1], minus=part.columns, symmetric=True)
    return tuple(reads)


def _factor(encoding: Encoding, place: int) -> int:
    """What a read of the column at a place among those of an output counts."""
    match encoding.mapping:
        case "differential-column":
            digit, sign = divmod(place, 2)
        case "mixed-digits":
            # The pair of the top digit, then the others, the highest first.
            digit = encoding.slices - max(place, 1)
            sign = int(place == 1)
        case _:
            digit, sign = place, 0
    return encoding.radix**digit * (1 - 2 * sign)


_BLOCK = 256
"""Rows and columns of a matrix that are encoded at a time: they stay in cache, transposed or not."""


def _digits(encoding: Encoding, values: Array) -> Array:
    """The digits of each value, int16 [values, slices], with their sign."""
    digits = np.empty((len(values), encoding.slices), np.int16)
    if encoding.mapping == "mixed-digits":
        rest = values.copy()
        for place in range(encoding.slices - 1):
            digits[:, place] = rest & (encoding.radix - 1)
            rest >>= encoding.cell_bits
        digits[:, -1] = rest
        return digits
    half = encoding.radix // 2 if encoding.balanced else 0
    rest = np.abs(values)
    for place in range(encoding.slices):
        digits[:, place] = (rest + half) % encoding.radix - half
        rest = (rest - digits[:, place]) // encoding.radix
    return digits * np.sign(values)[:, None].astype(np.int16)


def _look_up(table: Array, codes: Array, low: int, cells: Array) -> None:
    """Writes `table[codes - low]` into `cells`: for each code the row of cells that stands for it."""
    table = np.ascontiguousarray(table, np.uint8)
    width = table.shape[1]
    if width in (1, 2, 4, 8):  # a row is one machine word: ten times faster to copy
        table, width = table.view(f"u{width}").reshape(-1), 1
        cells = cells.view(table.dtype)
    for row in range(0, codes.shape[0], _BLOCK):
        for column in range(0, codes.shape[1], _BLOCK):
            block = codes[row : row + _BLOCK, column : column + _BLOCK]
            index = np.subtract(block, low, dtype=np.intp)
            found = table.take(index, axis=0, mode="wrap").reshape(len(block), -1)
            start = column * width
            cells[row : row + _BLOCK, start : start + found.shape[1]] = found

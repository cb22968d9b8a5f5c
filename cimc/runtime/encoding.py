"""How signed integer weights become cell codes, and how column sums become products again."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from cimc.runtime.arrays import Array

MappingName: TypeAlias = Literal["differential-column", "differential-row", "offset"]

MAPPINGS: tuple[MappingName, ...] = get_args(MappingName)


@dataclass(frozen=True)
class Tile:
    """A part of one encoded matrix: rows `row`..`row_end`-1 and columns `column`..`column_end`-1."""

    matrix: int
    row: int
    row_end: int
    column: int
    column_end: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the crossbar that the tile takes."""
        return self.row_end - self.row, self.column_end - self.column


@dataclass(frozen=True)
class Encoding:
    """A weight is cut into `slices` digits of `cell_bits` bits, the lowest first.

    - differential-column: a digit lies in two neighbouring columns, w = g+ - g-, of which one is 0
      (sign and magnitude); the pair is read as one difference.
    - differential-row: the same in two neighbouring rows, driven by x and -x.
    - offset: w + offset is not negative and lies in single columns; one more column of ones gives the sum
      of the inputs, by which the offset is taken off again.

    Columns are ordered by output, then digit, then sign.
    """

    mapping: MappingName
    cell_bits: int
    slices: int

    @property
    def row_step(self) -> int:
        """Rows an input takes."""
        return 2 if self.mapping == "differential-row" else 1

    @property
    def column_step(self) -> int:
        """Columns a digit takes."""
        return 2 if self.mapping == "differential-column" else 1

    @property
    def unit_columns(self) -> int:
        """Columns of ones that read the sum of the inputs."""
        return 1 if self.mapping == "offset" else 0

    def rows(self, inputs: int) -> int:
        """Rows that a matrix with so many inputs takes."""
        return inputs * self.row_step

    def columns(self, outputs: int) -> int:
        """Columns that a matrix with so many outputs takes."""
        return outputs * self.slices * self.column_step + self.unit_columns

    def sums(self, outputs: int) -> int:
        """Sums a vector gives: one an output, and that of the unit column."""
        return outputs + self.unit_columns

    def readouts(self, tile: Tile) -> int:
        """Column sums that are read from a tile in a cycle: a pair of columns is one."""
        return tile.shape[1] // self.column_step

    @property
    def largest(self) -> int:
        """The largest magnitude (with an offset: the largest code) that the digits hold."""
        return (1 << (self.cell_bits * self.slices)) - 1

    def encode(self, weights: Array, offset: Array | None = None) -> Array:
        """The cell codes, uint8 [rows, columns], of an integer matrix [inputs, outputs].

        `offset` ([outputs], for the offset mapping) is added to the weights. Raises `ValueError` if a
        weight does not fit.
        """
        codes = weights
        if self.mapping == "offset":
            codes = weights + (0 if offset is None else offset)
        low = int(codes.min(initial=0))
        high = int(codes.max(initial=0))
        lowest = 0 if self.mapping == "offset" else -self.largest
        if low < lowest or high > self.largest:
            raise ValueError(
                f"weights from {low} to {high} do not fit {self.slices} digits of {self.cell_bits} "
                f"bits in the {self.mapping} mapping"
            )
        inputs, outputs = codes.shape
        cells = np.empty((self.rows(inputs), self.columns(outputs)), np.uint8)
        span = np.arange(low, high + 1)
        positive, negative = (_digits(np.maximum(v, 0), self) for v in (span, -span))
        if self.mapping == "differential-column":
            pairs = np.stack([positive, negative], axis=2).reshape(len(span), -1)
            _look_up(pairs, codes, low, cells)
        elif self.mapping == "differential-row":
            _look_up(positive, codes, low, cells[0::2])
            _look_up(negative, codes, low, cells[1::2])
        else:
            _look_up(positive, codes, low, cells[:, :-1])
            cells[:, -1] = 1
        return cells

    def encode_all(self, matrices: Array, offset: Array | None = None) -> Array:
        """The cell codes, uint8 [matrices, rows, columns], of matrices [matrices, inputs, outputs].

        `offset` is [outputs] for all matrices, or [matrices, outputs].
        """
        offsets = [offset] * len(matrices) if offset is None or offset.ndim == 1 else offset
        cells = [self.encode(matrix, own) for matrix, own in zip(matrices, offsets, strict=True)]
        return cells[0][None] if len(cells) == 1 else np.stack(cells)

    def inputs_of(self, tile: Tile) -> slice:
        """The elements of an input vector that drive a tile's rows."""
        return slice(tile.row // self.row_step, -(-tile.row_end // self.row_step))

    def sums_of(self, tile: Tile) -> slice:
        """The sums to which a tile's columns contribute."""
        digit, digit_end = tile.column // self.column_step, tile.column_end // self.column_step
        return slice(digit // self.slices, -(-digit_end // self.slices))

    def decode(self, cells: Array, tile: Tile) -> Array:
        """What a tile multiplies its inputs with: int32 [inputs of the tile, sums of the tile].

        Digits of an output that lie in other tiles are missing from it, and come in by their own.
        """
        values = cells.astype(np.int32)
        if self.mapping == "differential-column":
            values = values[:, 0::2] - values[:, 1::2]
        elif self.mapping == "differential-row":
            values = values[0::2] - values[1::2]
        before = tile.column // self.column_step % self.slices
        after = -(before + values.shape[1]) % self.slices
        values = np.pad(values, ((0, 0), (before, after)))
        digits = values.reshape(len(values), -1, self.slices)
        return digits @ (1 << (self.cell_bits * np.arange(self.slices, dtype=np.int32)))


_BLOCK = 256
"""Rows and columns of a matrix that are encoded at a time: they stay in cache, transposed or not."""


def _digits(magnitudes: Array, encoding: Encoding) -> Array:
    """The digits of each magnitude, uint8 [magnitudes, slices]."""
    shifts = encoding.cell_bits * np.arange(encoding.slices)
    return ((magnitudes[:, None] >> shifts) & ((1 << encoding.cell_bits) - 1)).astype(np.uint8)


def _look_up(table: Array, codes: Array, low: int, cells: Array) -> None:
    """Writes `table[codes - low]` into `cells`: for each code the row of cells that stands for it."""
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

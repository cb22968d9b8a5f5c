"""Parts of an encoded matrix that fit a crossbar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from cimc.runtime.arrays import Array

Range: TypeAlias = tuple[int, int]
"""From the first number up to, but without, the second."""

Index: TypeAlias = slice | Array
"""Some elements of an axis."""


def size_of(ranges: Iterable[Range]) -> int:
    """How many numbers lie in ranges that do not overlap."""
    return sum(end - start for start, end in ranges)


def numbers_of(ranges: Iterable[Range]) -> Array:
    """The numbers in ranges, in their order."""
    return np.concatenate([np.arange(start, end) for start, end in ranges])


def text_of(ranges: Iterable[Range]) -> str:
    """Ranges for people, with the last number of each: `0-95, 128-130`."""
    return ", ".join(f"{start}-{end - 1}" for start, end in ranges)


def as_index(numbers: Array) -> Index:
    """Numbers that do not fall, as a slice if they are evenly spaced: a slice makes no copy."""
    if len(numbers) == 1:
        return slice(int(numbers[0]), int(numbers[0]) + 1)
    step = int(numbers[1] - numbers[0])
    if step > 0 and np.all(np.diff(numbers) == step):
        return slice(int(numbers[0]), int(numbers[-1]) + 1, step)
    return numbers


def ranges_of(numbers: Sequence[int]) -> tuple[Range, ...]:
    """Rising numbers as the fewest ranges."""
    ranges: list[Range] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number:
            ranges[-1] = ranges[-1][0], number + 1
        else:
            ranges.append((number, number + 1))
    return tuple(ranges)


@dataclass(frozen=True)
class Tile:
    """Rows x columns of encoded matrix number `matrix`, each as rising ranges that do not touch.

    They are written side by side, from row and column 0 of a crossbar on. The cells of `without` (a range of
    the matrix's rows, one of its columns) are left empty: another tile holds them.
    """

    matrix: int
    rows: tuple[Range, ...]
    columns: tuple[Range, ...]
    without: tuple[tuple[Range, Range], ...] = ()

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the crossbar that the tile takes."""
        return size_of(self.rows), size_of(self.columns)

    @cached_property
    def row_numbers(self) -> Array:
        """The matrix's row of each row."""
        return numbers_of(self.rows)

    @cached_property
    def column_numbers(self) -> Array:
        """The matrix's column of each column."""
        return numbers_of(self.columns)

    def cells_of(self, matrices: Array) -> Array:
        """The tile's codes, [rows, columns], of encoded matrices [matrices, rows, columns]."""
        matrix = matrices[self.matrix]
        if len(self.rows) == len(self.columns) == 1 and not self.without:
            return matrix[slice(*self.rows[0]), slice(*self.columns[0])]
        cells = matrix[np.ix_(self.row_numbers, self.column_numbers)]
        for rows, columns in self.without:
            inside = [
                (numbers >= start) & (numbers < end)
                for numbers, (start, end) in ((self.row_numbers, rows), (self.column_numbers, columns))
            ]
            cells[np.ix_(*inside)] = 0
        return cells

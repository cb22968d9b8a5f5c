"""Tiles of packed matrices: which rows and columns share a crossbar."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cimc.mapping.structure import Structure
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding
from cimc.runtime.tile import Range, ranges_of


@dataclass(frozen=True)
class Cells:
    """The encoded cells of a packed matrix: sizes of blocks, and of the crossbars that take them."""

    structure: Structure
    row_size: int
    """Rows of a block."""
    column_size: int
    """Columns of a block."""
    unit_columns: int
    """Columns behind all others that every row has."""
    row_step: int
    column_steps: tuple[int, int]
    """A tile may be cut where the number of columns is a multiple of either."""
    rows: int
    cols: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole matrix."""
        structure = self.structure
        columns = structure.column_blocks * self.column_size + self.unit_columns
        return structure.row_blocks * self.row_size, columns

    @property
    def fewest_tiles(self) -> int:
        """No cover has fewer tiles: each used cell is in one, and each takes a crossbar's worth."""
        used = self.structure.used_blocks * self.row_size * self.column_size
        rows, columns = self.shape
        return max(-(-used // (self.rows * self.cols)), -(-columns // self.cols), -(-rows // self.rows))


def cells_of(
    structure: Structure, encoding: Encoding, inputs: int, outputs: int, rows: int, cols: int
) -> Cells:
    """The cells of a structure whose blocks have so many inputs and outputs, on crossbars of a size."""
    step = encoding.column_step
    return Cells(
        structure,
        encoding.rows(inputs),
        outputs * encoding.columns_per_output,
        encoding.unit_columns,
        encoding.row_step,
        (step, encoding.columns_per_output),
        rows,
        cols,
    )


@dataclass(frozen=True)
class Part:
    """A tile of any of the matrices: rows x columns."""

    rows: tuple[Range, ...]
    columns: tuple[Range, ...]


@lru_cache(maxsize=4096)
def column_chunks(cells: Cells) -> tuple[Range, ...]:
    """The columns, as many at a time as fit a crossbar and as may be cut off."""
    columns = cells.shape[1]
    chunks: list[Range] = []
    start = 0
    while start < columns:
        end = min(start + cells.cols, columns)
        if end < columns:
            legal = max(end - end % step for step in cells.column_steps)
            # A crossbar that is narrower than a pair of columns is refused before.
            end = legal if legal > start else end
        chunks.append((start, end))
        start = end
    return tuple(chunks)


def _rows_used(cells: Cells, chunk: Range) -> Array:
    """The blocks of rows that some of the columns use."""
    first, last = chunk[0] // cells.column_size, -(-chunk[1] // cells.column_size)
    return np.flatnonzero(cells.structure.uses[:, first:last].any(axis=1))


@lru_cache(maxsize=4096)
def count_tiles(cells: Cells) -> int:
    """How many tiles `tiles` makes of one matrix."""
    rows_per_tile = cells.rows - cells.rows % cells.row_step
    if cells.structure.is_dense:
        return len(column_chunks(cells)) * -(-cells.shape[0] // rows_per_tile)
    return sum(
        -(-len(_rows_used(cells, chunk)) * cells.row_size // rows_per_tile) for chunk in column_chunks(cells)
    )


@lru_cache(maxsize=256)
def tiles(cells: Cells) -> tuple[Part, ...]:
    """The tiles of one matrix, column by column, so that an output's sums end together.

    Each takes as many columns as fit, and of the rows only those that one of its columns uses.
    """
    rows_per_tile = cells.rows - cells.rows % cells.row_step
    parts: list[Part] = []
    for chunk in column_chunks(cells):
        if cells.structure.is_dense:
            used = [(0, cells.shape[0])]
        else:
            blocks = ranges_of(_rows_used(cells, chunk).tolist())
            used = [(start * cells.row_size, end * cells.row_size) for start, end in blocks]
        parts += [Part(rows, (chunk,)) for rows in split(used, rows_per_tile)]
    return tuple(parts)


def split(ranges: list[Range], size: int) -> list[tuple[Range, ...]]:
    """Ranges cut into groups of `size` numbers; the last may have fewer."""
    groups: list[list[Range]] = [[]]
    left = size
    for start, end in ranges:
        while start < end:
            if left == 0:
                groups.append([])
                left = size
            taken = min(left, end - start)
            groups[-1].append((start, start + taken))
            start, left = start + taken, left - taken
    return [tuple(group) for group in groups]

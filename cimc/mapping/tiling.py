"""Tiles of packed matrices: which rows and columns share a crossbar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cimc.errors import CimcError
from cimc.mapping.cover import Cover, find_cover
from cimc.mapping.structure import DENSE, Structure
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
    """Columns behind all others that every row has; then the structure is dense."""
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
        """No cover has fewer tiles.

        A column lies in as many as it takes to hold its used cells, and so does a row; each tile takes a
        crossbar's worth of columns, and of rows.
        """
        structure = self.structure
        tiles_of_column = -(-structure.rows_of_column_block * self.row_size // self.rows)
        tiles_of_rows = sum(
            count * -(-used * self.column_size // self.cols) for used, count in structure.rows_by_columns
        )
        columns = self.shape[1] * tiles_of_column
        rows = structure.groups * tiles_of_rows * self.row_size
        return max(-(-columns // self.cols), -(-rows // self.rows))


def cells_of(
    structure: Structure, encoding: Encoding, inputs: int, outputs: int, rows: int, cols: int
) -> Cells:
    """The cells of a structure whose blocks have so many inputs and outputs, on crossbars of a size."""
    if encoding.unit_columns:
        # What is not in use holds the offset too, which the sum of all inputs takes off.
        inputs, outputs = structure.row_blocks * inputs, structure.column_blocks * outputs
        structure = DENSE
    return Cells(
        structure,
        encoding.rows(inputs),
        outputs * encoding.columns_per_output,
        encoding.unit_columns,
        encoding.row_step,
        (encoding.column_step, encoding.columns_per_output),
        rows,
        cols,
    )


@dataclass(frozen=True)
class Part:
    """A tile of any of the matrices: rows x columns, without what other tiles hold."""

    rows: tuple[Range, ...]
    columns: tuple[Range, ...]
    without: tuple[tuple[Range, Range], ...] = ()


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
    cover = _cover(cells)
    return _count_of_chunks(cells) if cover is None else len(cover.tiles)


def _count_of_chunks(cells: Cells) -> int:
    rows_per_tile = cells.rows - cells.rows % cells.row_step
    if cells.structure.is_dense:
        return len(column_chunks(cells)) * -(-cells.shape[0] // rows_per_tile)
    return sum(
        -(-len(_rows_used(cells, chunk)) * cells.row_size // rows_per_tile) for chunk in column_chunks(cells)
    )


def _known_cover(cells: Cells) -> Cover | None:
    if cells.structure.is_dense or cells.column_size % cells.column_steps[0]:
        return None
    return find_cover(cells.structure, cells.rows // cells.row_size, cells.cols // cells.column_size)


def cover_saves_tiles(cells: Cells) -> bool:
    """Whether a cover is known that has fewer tiles than chunks of columns give."""
    cover = _known_cover(cells)
    return cover is not None and len(cover.tiles) < _count_of_chunks(cells)


def _cover(cells: Cells) -> Cover | None:
    """The cover that the structure asks for. Raises `CimcError` if none is known."""
    if not cells.structure.covered:
        return None
    cover = _known_cover(cells)
    if cover is None:
        raise CimcError(
            f"no cover is known of patches of {list(cells.structure.positions)} positions, in blocks of "
            f"{cells.row_size}x{cells.column_size} cells on {cells.rows}x{cells.cols}: leave out covered"
        )
    return cover


@lru_cache(maxsize=256)
def tiles(cells: Cells) -> tuple[Part, ...]:
    """The tiles of one matrix: those of a known cover if the structure is covered, or chunks of columns.

    Of a chunk, column by column, so that an output's sums end together: each tile takes as many columns as
    fit, and of the rows only those that one of its columns uses.
    """
    cover = _cover(cells)
    return _chunks(cells) if cover is None else _tiles_of_cover(cells, cover)


def _chunks(cells: Cells) -> tuple[Part, ...]:
    rows_per_tile = cells.rows - cells.rows % cells.row_step
    parts: list[Part] = []
    for chunk in column_chunks(cells):
        if cells.structure.is_dense:
            used = [(0, cells.shape[0])]
        else:
            used = _ranges_of_blocks(_rows_used(cells, chunk).tolist(), cells.row_size)
        parts += [Part(rows, (chunk,)) for rows in split(used, rows_per_tile)]
    return tuple(parts)


def _tiles_of_cover(cells: Cells, cover: Cover) -> tuple[Part, ...]:
    parts: list[Part] = []
    for (rows, columns), without in zip(cover.tiles, cover.without, strict=True):
        left_out = [
            (row_range, column_range)
            for column in columns
            for column_range in _ranges_of_blocks([column], cells.column_size)
            for row_range in _ranges_of_blocks(np.flatnonzero(without[:, column]).tolist(), cells.row_size)
        ]
        parts.append(
            Part(
                _ranges_of_blocks(rows, cells.row_size),
                _ranges_of_blocks(columns, cells.column_size),
                tuple(left_out),
            )
        )
    return tuple(parts)


def _ranges_of_blocks(blocks: Sequence[int], size: int) -> tuple[Range, ...]:
    """The rows or columns of blocks with rising numbers."""
    return tuple((start * size, end * size) for start, end in ranges_of(blocks))


def split(ranges: Iterable[Range], size: int) -> list[tuple[Range, ...]]:
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

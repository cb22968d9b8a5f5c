"""Fewer readings that add the same products as those of many tiles, in less time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cimc.runtime.analog.readout import AtOnce, CycleByCycle, ReadGroup
from cimc.runtime.analog.sums import ExactSums
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Read
from cimc.runtime.products import StoredMatrix
from cimc.runtime.tile import Range, Tile, as_index
from cimc.runtime.tile_reading import TileReading


def merged(readings: Sequence[TileReading], inputs: int, sums: int) -> list[TileReading]:
    """Readings of one encoding for vectors [vectors, inputs] and [vectors, sums], of which none has noise.

    Where reads are exact, all tiles are one matrix. Tiles of the same rows with ADCs are read side by side.
    """
    exact = [reading for reading in readings if reading.exact is not None]
    others = [reading for reading in readings if reading.exact is None]
    if _fill_a_matrix(exact, inputs, sums):
        exact = [_whole_matrix(exact, inputs, sums)]
    by_rows: defaultdict[tuple[Range, ...], list[TileReading]] = defaultdict(list)
    at_once: list[TileReading] = []
    for reading in others:
        by_cycle = isinstance(reading.readout, CycleByCycle)
        (by_rows[reading.tile.rows] if by_cycle else at_once).append(reading)
    return [*exact, *at_once, *(_side_by_side(tiles, sums) for tiles in by_rows.values())]


def _fill_a_matrix(readings: Sequence[TileReading], inputs: int, sums: int) -> bool:
    """Whether tiles fill half of the matrix that they are parts of; else too many zeros are multiplied."""
    if len(readings) < 2:
        return False
    encoding = readings[0].encoding
    area = encoding.rows(inputs) // encoding.row_step * sums
    return 2 * sum(r.exact.numbers.size for r in readings if r.exact is not None) > area


def _whole_matrix(readings: Sequence[TileReading], inputs: int, sums: int) -> TileReading:
    encoding = readings[0].encoding
    rows = encoding.rows(inputs)
    matrix = np.zeros((rows // encoding.row_step, sums), np.int32)
    for reading in readings:
        assert reading.exact is not None, "else its reads are not exact"
        driven = reading.tile.row_numbers[:: encoding.row_step] // encoding.row_step
        matrix[np.ix_(driven, np.arange(sums)[reading.sums])] += reading.exact.numbers
    whole = Tile(readings[0].tile.matrix, ((0, rows),), ((0, 1),))
    if (unstacked := encoding.unstacked(matrix, whole)) is not None:
        matrix, encoding, whole = unstacked
    return replace(
        readings[0], tile=whole, encoding=encoding, readout=AtOnce(StoredMatrix(matrix)), sums=slice(None)
    )


def _side_by_side(readings: Sequence[TileReading], sums: int) -> TileReading:
    if len(readings) == 1:
        return readings[0]
    groups: defaultdict[ReadGroup, list[_Columns]] = defaultdict(list)
    for reading in readings:
        assert isinstance(reading.readout, CycleByCycle), "its reads are not exact"
        numbers = np.arange(sums)[reading.sums]
        for group in reading.readout.groups:
            assert isinstance(group.sums, ExactSums), "it has no noise"
            weights = group.sums.weights.numbers
            groups[replace(group, reads=(), sums=_NOTHING)].extend(
                _Columns(read, numbers[read.sums], weights[:, columns]) for columns, read in group.columns()
            )
    together = tuple(_together(group, columns) for group, columns in groups.items())
    return replace(readings[0], readout=CycleByCycle(together, sums), sums=slice(None))


@dataclass(frozen=True)
class _Columns:
    """Columns that are read alike, and the sums to which they contribute."""

    read: Read
    numbers: Array
    weights: Array


def _together(group: ReadGroup, columns: Sequence[_Columns]) -> ReadGroup:
    """A group of these columns, those that count the same side by side in the order of their sums."""
    reads: list[Read] = []
    weights: list[Array] = []
    for factor in sorted({c.read.factor for c in columns}):
        for alike in _without_repetition([c for c in columns if c.read.factor == factor]):
            numbers = np.concatenate([c.numbers for c in alike])
            order = np.argsort(numbers)
            reads.append(replace(alike[0].read, sums=as_index(numbers[order]), width=len(numbers)))
            weights.append(np.concatenate([c.weights for c in alike], axis=1)[:, order])
    return replace(group, reads=tuple(reads), sums=ExactSums(StoredMatrix(np.concatenate(weights, axis=1))))


def _without_repetition(columns: Sequence[_Columns]) -> list[list[_Columns]]:
    """Columns in lists of which none contributes twice to a sum, as tiles that leave cells out may."""
    lists: list[tuple[list[_Columns], set[int]]] = []
    for more in columns:
        numbers = more.numbers.tolist()
        chosen = next((one for one in lists if one[1].isdisjoint(numbers)), None)
        if chosen is None:
            lists.append(chosen := ([], set()))
        chosen[0].append(more)
        chosen[1].update(numbers)
    return [alike for alike, _ in lists]


_NOTHING = ExactSums(StoredMatrix(np.zeros((0, 0), np.int8)))

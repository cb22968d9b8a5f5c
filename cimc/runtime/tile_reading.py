"""Products of vectors with programmed tiles, added to sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import is_

import numpy as np
from numpy.random import Generator

from cimc.runtime.analog.digits import InputDigits
from cimc.runtime.analog.readout import AtOnce, ReadCounts, Readout
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding
from cimc.runtime.products import StoredMatrix
from cimc.runtime.tile import Index, Tile


@dataclass(frozen=True)
class TileReading:
    """A programmed tile with what drives it and how it is read."""

    tile: Tile
    encoding: Encoding
    digits: InputDigits
    readout: Readout

    def add_products(self, vectors: Array, sums: Array, rng: Generator, counts: ReadCounts) -> None:
        """Adds the products of codes [vectors, inputs] with the tile to [vectors, sums], in place.

        Bit by bit, a cycle reads for input bit i and column c the sum over rows r of x[r, i] * g[r, c];
        shift-and-add makes of them sum_i 2^i * sum_c digit[c] * read[i, c], rounded to whole units. `rng`
        draws what a read leaves to chance, `counts` counts what ADCs convert.
        """
        driven = self.encoding.driven(vectors, self.tile)
        products = self.readout.products(driven, self.digits, rng, counts)
        _add(products, sums, self.encoding.sums_of(self.tile))

    @cached_property
    def exact(self) -> StoredMatrix | None:
        """The whole numbers that the tile multiplies with, [rows, sums], if all its reads are exact."""
        readout = self.readout
        return readout.matrix if isinstance(readout, AtOnce) and readout.matrix.is_whole else None


class MergedReading:
    """Tiles of one matrix whose reads are exact, multiplied as one matrix: the same numbers, in less time."""

    def __init__(self, readings: Sequence[TileReading], inputs: int, sums: int) -> None:
        """Takes readings with an `exact` matrix, for vectors [vectors, inputs] and [vectors, sums]."""
        self._readings = tuple(readings)
        encoding = readings[0].encoding
        rows = encoding.rows(inputs)
        self._whole = Tile(0, ((0, rows),), ((0, 1),))
        matrix = np.zeros((rows // encoding.row_step, sums), np.int32)
        for reading in readings:
            exact = reading.exact
            assert exact is not None
            driven = reading.tile.row_numbers[:: encoding.row_step] // encoding.row_step
            columns = np.arange(sums)[encoding.sums_of(reading.tile)]
            matrix[np.ix_(driven, columns)] += exact.numbers
        self._matrix = StoredMatrix(matrix)

    def is_of(self, readings: Sequence[TileReading]) -> bool:
        """Whether these are the tiles."""
        return len(readings) == len(self._readings) and all(map(is_, readings, self._readings))

    def add_products(self, vectors: Array, sums: Array) -> None:
        """Adds the products of codes [vectors, inputs] with all tiles to [vectors, sums], in place."""
        first = self._readings[0]
        driven = first.encoding.driven(vectors, self._whole)
        _add(self._matrix.times(driven, first.digits.largest_code), sums, slice(None))


def worth_merging(readings: Sequence[TileReading], inputs: int, sums: int) -> bool:
    """Whether tiles fill most of the matrix that they are parts of; else zeros would be multiplied."""
    encoding = readings[0].encoding
    area = encoding.rows(inputs) // encoding.row_step * sums
    filled = sum(r.exact.numbers.size for r in readings if r.exact is not None)
    return len(readings) > 1 and 2 * filled > area


def _add(products: Array, sums: Array, index: Index) -> None:
    if products.dtype.kind == "f":
        np.rint(products, out=products)
    sums[:, index] += products.astype(sums.dtype, copy=False)

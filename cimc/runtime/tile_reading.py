"""Products of vectors with programmed tiles, added to sums."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from cimc.runtime.analog.digits import InputDigits
from cimc.runtime.analog.readout import AtOnce, CycleByCycle, ReadCounts, Readout
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding
from cimc.runtime.products import StoredMatrix
from cimc.runtime.tile import Index, Tile


@dataclass(frozen=True)
class TileReading:
    """A programmed tile with what drives it, how it is read, and to which sums it adds."""

    tile: Tile
    encoding: Encoding
    digits: InputDigits
    readout: Readout
    sums: Index

    def add_products(self, vectors: Array, sums: Array, rng: Generator, counts: ReadCounts) -> None:
        """Adds the products of codes [vectors, inputs] with the tile to [vectors, sums], in place.

        Bit by bit, a cycle reads for input bit i and column c the sum over rows r of x[r, i] * g[r, c];
        shift-and-add makes of them sum_i 2^i * sum_c digit[c] * read[i, c], rounded to whole units. `rng`
        draws what a read leaves to chance, `counts` counts what ADCs convert.
        """
        driven = self.encoding.driven(vectors, self.tile)
        products = self.readout.products(driven, self.digits, rng, counts)
        if products.dtype.kind == "f":
            np.rint(products, out=products)
        sums[:, self.sums] += products.astype(sums.dtype, copy=False)

    @cached_property
    def exact(self) -> StoredMatrix | None:
        """The whole numbers that the tile multiplies with, [rows, sums], if all its reads are exact."""
        readout = self.readout
        return readout.matrix if isinstance(readout, AtOnce) and readout.matrix.is_whole else None

    @cached_property
    def leaves_to_chance(self) -> bool:
        """Whether its products are not the same each time."""
        match self.readout:
            case AtOnce():
                return False
            case CycleByCycle():
                return not all(group.is_still for group in self.readout.groups)
            case _:
                return True

"""A crossbar with an ideal ADC: what is written, and the exact products it gives."""

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding
from cimc.runtime.tile import Tile

_FLOAT32_EXACT = 1 << 24
"""Below this magnitude float32 holds every integer (24 bits of significand, IEEE 754)."""

_FLOAT64_EXACT = 1 << 53
"""The same of float64, with 53 bits."""


class Crossbar:
    """`rows` x `cols` cells; a tile is written from row and column 0 on."""

    def __init__(self, index: int, rows: int, cols: int) -> None:
        self.index = index
        self.rows, self.cols = rows, cols
        self.tile: Tile | None = None
        self.cells: Array | None = None

    def write(self, cells: Array, tile: Tile) -> None:
        """Programs the codes of a tile, [rows, columns]. Raises `CimcError` if they do not fit."""
        rows, columns = tile.shape
        if rows > self.rows or columns > self.cols:
            raise CimcError(
                f"a tile of {rows}x{columns} cells does not fit crossbar {self.index} "
                f"of {self.rows}x{self.cols}"
            )
        self.cells, self.tile = cells, tile

    def mvm(self, vectors: Array, sums: Array, encoding: Encoding) -> None:
        """Adds the products of [vectors, inputs] with the tile to [vectors, sums], in place.

        Bit by bit, a cycle reads for input bit i and column c the sum over rows r of x[r, i] * g[r, c];
        shift-and-add makes of them sum_i 2^i * sum_c digit[c] * read[i, c]. With an ideal ADC this is the
        product of the codes with what the digits mean, computed here at once.
        """
        if self.tile is None or self.cells is None:
            raise CimcError(f"crossbar {self.index} is read before anything is written into it")
        add_products(sums, vectors, self.cells, self.tile, encoding)


def add_products(sums: Array, vectors: Array, cells: Array, tile: Tile, encoding: Encoding) -> None:
    """Adds the products of [vectors, inputs] with a tile's cells to [vectors, sums], in place."""
    driven = encoding.driven(vectors, tile)
    product = exact_product(driven, encoding.decode(cells, tile))
    sums[:, encoding.sums_of(tile)] += product.astype(sums.dtype)


def exact_product(x: Array, w: Array) -> Array:
    """The exact product of two integer matrices, in the fastest type that holds every partial sum."""
    largest = max(abs(int(x.max(initial=0))), abs(int(x.min(initial=0))))
    bound = largest * int(np.abs(w).sum(axis=0, dtype=np.int64).max(initial=0))
    if bound >= _FLOAT64_EXACT:
        return x.astype(np.int64) @ w.astype(np.int64)
    dtype = np.float32 if bound < _FLOAT32_EXACT else np.float64
    return x.astype(dtype) @ w.astype(dtype)

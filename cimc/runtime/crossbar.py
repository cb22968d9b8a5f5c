"""Crossbars: what is written into them, and the products that they give."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from cimc.errors import CimcError
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.conductances import programmed
from cimc.runtime.analog.digits import InputDigits
from cimc.runtime.analog.faults import Faults
from cimc.runtime.analog.readout import AtOnce, ReadCounts, Readout
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding
from cimc.runtime.products import StoredMatrix, exact_product
from cimc.runtime.tile import Tile
from cimc.runtime.tile_reading import TileReading


class ProgrammedTile:
    """A tile of encoded matrices, uint8 [matrices, rows, columns], as the cells of a crossbar take it.

    `stream` gives, anew each time, the random numbers that programming it takes.
    """

    def __init__(
        self,
        matrices: Array,
        tile: Tile,
        analog: Analog,
        stream: Callable[[], Generator] = np.random.default_rng,
        faults: Faults | None = None,
    ) -> None:
        self.matrices, self.tile = matrices, tile
        self._analog, self._faults, self._stream = analog, faults, stream
        self._readings: dict[tuple[Encoding, int, bool, float | None], TileReading] = {}

    def add_products(
        self,
        vectors: Array,
        sums: Array,
        encoding: Encoding,
        width: int,
        *,
        adc_range: float | None = None,
        rng: Generator,
        counts: ReadCounts,
    ) -> None:
        """Adds the products of codes [vectors, inputs] of a width to [vectors, sums], see `TileReading`."""
        reading = self.reading(encoding, width, signed=vectors.dtype.kind == "i", adc_range=adc_range)
        reading.add_products(vectors, sums, rng, counts)

    def reading(
        self, encoding: Encoding, width: int, *, signed: bool, adc_range: float | None = None
    ) -> TileReading:
        """How the tile is read with codes of a width. The range of ADCs is `adc_range` units, if given."""
        key = (encoding, width, signed, adc_range)
        if key not in self._readings:
            digits = self._analog.digits(encoding, width, signed)
            readout = self._readout(encoding, digits, adc_range)
            sums = encoding.sums_of(self.tile)
            self._readings[key] = TileReading(self.tile, encoding, digits, readout, sums)
        return self._readings[key]

    def _readout(self, encoding: Encoding, digits: InputDigits, adc_range: float | None) -> Readout:
        cells = self.tile.cells_of(self.matrices)
        if self._analog.is_exact and self._faults is None:
            return AtOnce(StoredMatrix(encoding.decode(cells, self.tile)))
        g = programmed(cells, self._analog.cells, encoding.cell_bits, self._faults, self._stream())
        return self._analog.readout(g, self.tile, encoding, digits, adc_range)


class Crossbar:
    """`rows` x `cols` cells; a tile is written from row and column 0 on."""

    def __init__(self, index: int, rows: int, cols: int) -> None:
        self.index = index
        self.rows, self.cols = rows, cols
        self._content: ProgrammedTile | None = None

    def write(self, content: ProgrammedTile) -> None:
        """Programs a tile. Raises `CimcError` if it does not fit."""
        rows, columns = content.tile.shape
        if rows > self.rows or columns > self.cols:
            raise CimcError(
                f"a tile of {rows}x{columns} cells does not fit crossbar {self.index} "
                f"of {self.rows}x{self.cols}"
            )
        self._content = content

    @property
    def content(self) -> ProgrammedTile:
        """What was written last. Raises `CimcError` if that is nothing."""
        if self._content is None:
            raise CimcError(f"crossbar {self.index} is read before anything is written into it")
        return self._content


def add_products(sums: Array, vectors: Array, cells: Array, tile: Tile, encoding: Encoding) -> None:
    """Adds the exact products of [vectors, inputs] with a tile's cells to [vectors, sums], in place."""
    product = exact_product(encoding.driven(vectors, tile), encoding.decode(cells, tile))
    sums[:, encoding.sums_of(tile)] += product.astype(sums.dtype)

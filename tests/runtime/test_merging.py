"""Tiles that are read together add what they add one by one."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from runtime.encoding_cases import Encoded, Vectors, tilings, vectors

from cimc.runtime.analog.adc import Adc
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import Encoding
from cimc.runtime.merging import merged
from cimc.runtime.tile import Tile
from cimc.runtime.tile_reading import TileReading

RNG = np.random.default_rng(0)


def readings_of(e: Encoded, tiles: Sequence[Tile], x: Vectors, analog: Analog) -> list[TileReading]:
    return [
        ProgrammedTile(e.cells[None], tile, analog).reading(e.encoding, x.bits, signed=x.signed)
        for tile in tiles
    ]


def products_of(readings: Sequence[TileReading], x: Array, sums: int) -> tuple[Array, ReadCounts]:
    """What readings add, before it is rounded, and what their ADCs convert."""
    total, counts = np.zeros((len(x), sums)), ReadCounts()
    for reading in readings:
        driven = reading.encoding.driven(x, reading.tile)
        total[:, reading.sums] += reading.readout.products(driven, reading.digits, RNG, counts)
    return total, counts


@given(st.data())
def test_together_they_give_the_same(data: st.DataObject) -> None:
    e, tiles = data.draw(tilings())
    x = data.draw(vectors(e))
    bits = None
    if not x.signed or x.dac_bits == 1 or e.encoding.mapping.startswith("differential"):
        bits = data.draw(st.sampled_from([None, 3, 6, 12]))
    noise = data.draw(st.sampled_from([0.0, 0.1]))
    analog = Analog(Adc(bits), Cells(programming_noise=noise), dac_bits=x.dac_bits)
    sums = e.encoding.sums(e.weights.shape[1])
    readings = readings_of(e, tiles, x, analog)
    fewer = merged(readings, e.weights.shape[0], sums)
    assert len(fewer) <= len(readings)
    expected, expected_counts = products_of(readings, x.codes, sums)
    found, counts = products_of(fewer, x.codes, sums)
    # Noisy weights are float32, and their sums are rounded in another order.
    np.testing.assert_allclose(found, expected, rtol=1e-5 if noise else 1e-12, atol=1e-2 if noise else 1e-9)
    assert noise or counts == expected_counts


def test_a_full_matrix_is_multiplied_at_once_and_one_of_zeros_is_not() -> None:
    encoding = Encoding("differential-column", 4, 1)
    x = Vectors(np.ones((1, 8), np.uint8), 4, signed=False, dac_bits=1)
    full = Encoded(encoding, np.ones((8, 4), np.int64), None)
    halves = [Tile(0, ((row, row + 4),), ((0, 8),)) for row in (0, 4)]
    assert len(merged(readings_of(full, halves, x, Analog()), 8, 4)) == 1
    # Blocks on the diagonal of a larger matrix: all else would be zeros.
    diagonal = [Tile(0, ((row, row + 2),), ((row, row + 2),)) for row in range(0, 8, 2)]
    assert len(merged(readings_of(full, diagonal, x, Analog()), 8, 4)) == 4


def test_tiles_of_the_same_rows_are_read_side_by_side() -> None:
    encoding = Encoding("differential-column", 4, 1)
    x = Vectors(np.ones((1, 8), np.uint8), 4, signed=False, dac_bits=1)
    e = Encoded(encoding, np.ones((8, 4), np.int64), None)
    tiles = [Tile(0, ((r, r + 4),), ((c, c + 2),)) for r in (0, 4) for c in range(0, 8, 2)]
    assert len(merged(readings_of(e, tiles, x, Analog(Adc(2))), 8, 4)) == 2


def test_tiles_may_share_columns_of_the_same_rows() -> None:
    """One tile holds the cells that the other leaves out."""
    encoding = Encoding("differential-column", 1, 1)
    x = Vectors(np.ones((1, 4), np.uint8), 1, signed=False, dac_bits=1)
    e = Encoded(encoding, np.ones((4, 3), np.int64), None)
    rows, first = ((0, 4),), ((0, 2), (0, 2))
    tiles = [Tile(0, rows, ((0, 6),), (first,)), Tile(0, rows, ((0, 2),), (((2, 4), (0, 2)),))]
    fewer = merged(readings_of(e, tiles, x, Analog(Adc(2, range=1.5))), 4, 3)
    assert len(fewer) == 1
    # All reads are 1 step of 1.5 units: of two ones it is the nearest, four are clipped.
    np.testing.assert_array_equal(products_of(fewer, x.codes, 3)[0], [[3, 1.5, 1.5]])

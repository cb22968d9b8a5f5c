"""Encodings against a crossbar that is simulated here cell by cell, input digit by input digit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime.encoding_cases import Encoded, Vectors, cycle_sums, encoded, encodings, meaning, tilings, vectors

from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import MAPPINGS, Encoding
from cimc.runtime.tile import Tile

RNG = np.random.default_rng(0)


def simulated(e: Encoded, tile: Tile, x: Vectors) -> Array:
    """What a tile adds to the sums [vectors, outputs (and the sum of the inputs)], column by column."""
    encoding = e.encoding
    sums = np.zeros((len(x.codes), encoding.sums(e.weights.shape[1])), np.int64)
    for place, read in cycle_sums(e, tile, x):
        for index, column in enumerate(tile.column_numbers.tolist()):
            output, counts = meaning(encoding, column)
            sums[:, output] += place * counts * read[:, index]
    return sums


@given(st.data())
def test_tiles_add_up_to_the_product(data: st.DataObject) -> None:
    e, tiles = data.draw(tilings())
    x = data.draw(vectors(e))
    total = np.zeros((len(x.codes), e.encoding.sums(e.weights.shape[1])), np.int64)
    for tile in tiles:
        expected = simulated(e, tile, x)
        sums = np.zeros_like(total)
        programmed = ProgrammedTile(e.cells[None], tile, Analog(dac_bits=x.dac_bits))
        programmed.add_products(x.codes, sums, e.encoding, x.bits, rng=RNG, counts=ReadCounts())
        np.testing.assert_array_equal(sums, expected)
        total += expected
    inputs = x.codes.sum(axis=1, dtype=np.int64)[:, None]
    if e.encoding.unit_columns:
        np.testing.assert_array_equal(total[:, -1:], inputs)
        total = total[:, :-1]
    if e.offset is not None:
        total = total - e.offset * inputs
    np.testing.assert_array_equal(total, x.codes.astype(np.int64) @ e.weights)


@given(encoded())
def test_cells_hold_their_bits_and_pairs_one_sign(e: Encoded) -> None:
    cells, encoding = e.cells, e.encoding
    assert cells.dtype == np.uint8
    assert cells.shape == (encoding.rows(len(e.weights)), encoding.columns(e.weights.shape[1]))
    assert int(cells.max()) < 1 << encoding.cell_bits
    if encoding.mapping == "differential-column":
        assert not np.any((cells[:, 0::2] > 0) & (cells[:, 1::2] > 0))
    if encoding.mapping == "differential-row":
        assert not np.any((cells[0::2] > 0) & (cells[1::2] > 0))


@given(encodings())
def test_limits_are_those_of_the_digits(encoding: Encoding) -> None:
    """From what cells can hold: the largest digit everywhere, and the weight times the place of its plane."""
    digit = 2**encoding.cell_bits - 1
    counts = [meaning(encoding, column)[1] for column in range(encoding.columns_per_output)]
    most = 2 ** (encoding.plane_bits * (encoding.planes - 1))
    low, high = encoding.limits
    lowest = digit * sum(c for c in counts if c < 0)
    if encoding.mapping == "differential-row":
        lowest = -digit * sum(counts)
    highest = digit * sum(c for c in counts if c > 0)
    assert low * most >= lowest > (low - 1) * most
    assert high * most <= highest < (high + 1) * most


@given(encoded(), st.booleans())
def test_weights_that_do_not_fit_are_refused(e: Encoded, below: bool) -> None:
    weights = e.weights.copy()
    codes = weights if e.offset is None else weights + e.offset
    low, high = e.encoding.limits
    weights[0, 0] += (low - 1 if below else high + 1) - codes[0, 0]
    with pytest.raises(ValueError, match="do not fit"):
        e.encoding.encode(weights, e.offset)


def test_matrices_may_have_offsets_of_their_own() -> None:
    encoding = Encoding("offset", 2, 1)
    matrices = np.array([[[-3, 0]], [[0, 7]]])
    offsets = np.array([[3, 3], [0, -5]])
    np.testing.assert_array_equal(encoding.encode_all(matrices, offsets), [[[0, 3, 1]], [[0, 2, 1]]])
    with pytest.raises(ValueError, match="do not fit"):
        encoding.encode_all(matrices, offsets[0])


def test_readouts_count_a_pair_of_columns_once() -> None:
    tile = Tile(0, ((0, 4),), ((0, 12),))
    assert [Encoding(m, 4, 2).readouts(tile) for m in MAPPINGS] == [6, 12, 8, 12]

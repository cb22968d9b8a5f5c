"""Encodings against a crossbar that is simulated here cell by cell, input digit by input digit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import Crossbar
from cimc.runtime.encoding import MAPPINGS, Encoding, Tile


@dataclass(frozen=True)
class Encoded:
    """Weights [inputs, outputs], what is added to them by output, and how they are encoded."""

    encoding: Encoding
    weights: Array
    offset: Array | None

    @property
    def cells(self) -> Array:
        return self.encoding.encode(self.weights, self.offset)


@st.composite
def encoded(draw: st.DrawFn) -> Encoded:
    cell_bits = draw(st.integers(1, 8))
    encoding = Encoding(
        draw(st.sampled_from(MAPPINGS)), cell_bits, draw(st.integers(1, 12 // cell_bits or 1))
    )
    inputs, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    if encoding.mapping != "offset":
        low = -encoding.largest
        weights = rng.integers(low, encoding.largest, (inputs, outputs), endpoint=True)
        return Encoded(encoding, weights, None)
    codes = rng.integers(0, encoding.largest, (inputs, outputs), endpoint=True)
    offset = rng.integers(-300, 300, outputs)
    return Encoded(encoding, codes - offset, offset)


@st.composite
def tilings(draw: st.DrawFn) -> tuple[Encoded, list[Tile]]:
    """Encoded weights, and the tiles of a grid that cuts no pair."""
    e = draw(encoded())
    rows, columns = e.cells.shape
    row_step, column_step = e.encoding.row_step, e.encoding.column_step
    high = row_step * draw(st.integers(1, rows // row_step))
    wide = column_step * draw(st.integers(1, columns // column_step))
    return e, [
        Tile(0, row, min(row + high, rows), column, min(column + wide, columns))
        for row in range(0, rows, high)
        for column in range(0, columns, wide)
    ]


@dataclass(frozen=True)
class Vectors:
    """Input codes [vectors, inputs] of so many bits, applied `dac_bits` at a time."""

    codes: Array
    bits: int
    signed: bool
    dac_bits: int

    def digits(self) -> Iterator[tuple[int, Array]]:
        """The place and the values of each digit, lowest first; the top bit of a signed code is negative."""
        patterns = self.codes & ((1 << self.bits) - 1)
        for start in range(0, self.bits, self.dac_bits):
            width = min(self.dac_bits, self.bits - start)
            digit = (patterns >> start) & ((1 << width) - 1)
            if self.signed and start + width == self.bits:
                top = digit >> (width - 1)
                digit = digit - (top << width)
            yield 1 << start, digit


@st.composite
def vectors(draw: st.DrawFn, inputs: int) -> Vectors:
    bits, signed = draw(st.integers(1, 8)), draw(st.booleans())
    low = -(1 << (bits - 1)) if signed else 0
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    codes = rng.integers(low, low + (1 << bits), (draw(st.integers(1, 3)), inputs))
    return Vectors(codes, bits, signed, draw(st.integers(1, 4)))


def simulated(e: Encoded, tile: Tile, x: Vectors) -> Array:
    """What a tile adds to the sums [vectors, outputs (and the sum of the inputs)], column by column."""
    encoding = e.encoding
    cells = e.cells[tile.row : tile.row_end, tile.column : tile.column_end].astype(np.int64)
    sums = np.zeros((len(x.codes), encoding.sums(e.weights.shape[1])), np.int64)
    for place, digit in x.digits():
        if encoding.mapping == "differential-row":
            driven = np.stack([digit, -digit], axis=2).reshape(len(digit), -1)
        else:
            driven = digit
        read = driven[:, tile.row : tile.row_end] @ cells
        for column in range(tile.column, tile.column_end):
            index, sign = column, 1
            if encoding.mapping == "differential-column":
                index, sign = column // 2, 1 - 2 * (column % 2)
            output, number = divmod(index, encoding.slices)
            value = read[:, column - tile.column] << (encoding.cell_bits * number)
            sums[:, output] += sign * place * value
    return sums


@given(st.data())
def test_tiles_add_up_to_the_product(data: st.DataObject) -> None:
    e, tiles = data.draw(tilings())
    x = data.draw(vectors(len(e.weights)))
    total = np.zeros((len(x.codes), e.encoding.sums(e.weights.shape[1])), np.int64)
    for tile in tiles:
        expected = simulated(e, tile, x)
        crossbar = Crossbar(0, *tile.shape)
        crossbar.write(e.cells[tile.row : tile.row_end, tile.column : tile.column_end], tile)
        sums = np.zeros_like(total)
        crossbar.mvm(x.codes, sums, e.encoding)
        np.testing.assert_array_equal(sums, expected)
        total += expected
    if e.offset is not None:
        np.testing.assert_array_equal(total[:, -1], x.codes.sum(axis=1))
        total = total[:, :-1] - e.offset * total[:, -1:]
    np.testing.assert_array_equal(total, x.codes @ e.weights)


@given(tilings())
def test_decode_gives_back_what_was_encoded(tiling: tuple[Encoded, list[Tile]]) -> None:
    e, tiles = tiling
    inputs, outputs = e.weights.shape
    decoded = np.zeros((inputs, e.encoding.sums(outputs)), np.int64)
    for tile in tiles:
        part = e.cells[tile.row : tile.row_end, tile.column : tile.column_end]
        decoded[e.encoding.inputs_of(tile), e.encoding.sums_of(tile)] += e.encoding.decode(part, tile)
    if e.offset is not None:
        np.testing.assert_array_equal(decoded[:, -1], 1)
        decoded = decoded[:, :-1] - e.offset
    np.testing.assert_array_equal(decoded, e.weights)


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


@given(encoded(), st.booleans())
def test_weights_that_do_not_fit_are_refused(e: Encoded, below: bool) -> None:
    weights = e.weights.copy()
    codes = weights if e.offset is None else weights + e.offset
    lowest = -e.encoding.largest if e.offset is None else 0
    weights[0, 0] += (lowest - 1 if below else e.encoding.largest + 1) - codes[0, 0]
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
    tile = Tile(0, 0, 4, 0, 12)
    assert [Encoding(m, 4, 2).readouts(tile) for m in MAPPINGS] == [6, 12, 12]

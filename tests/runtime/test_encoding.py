"""Encodings against a crossbar that is simulated here cell by cell, input digit by input digit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import Crossbar
from cimc.runtime.encoding import MAPPINGS, Encoding
from cimc.runtime.tile import Range, Tile, ranges_of


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
def encodings(draw: st.DrawFn) -> Encoding:
    cell_bits = draw(st.integers(1, 8))
    mapping = draw(st.sampled_from(MAPPINGS))
    slices = draw(st.integers(1, 12 // cell_bits or 1))
    digital = mapping == "offset" and draw(st.booleans())
    balanced = mapping.startswith("differential") and draw(st.booleans())
    planes, plane_bits = 1, 1
    if mapping != "offset" or digital:
        planes = draw(st.integers(1, 4))
        plane_bits = draw(st.integers(1, 2))
    return Encoding(mapping, cell_bits, slices, balanced, digital, planes, plane_bits)


@st.composite
def encoded(draw: st.DrawFn) -> Encoded:
    encoding = draw(encodings())
    inputs, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    low, high = encoding.limits
    among = np.array([low, high]) if draw(st.integers(0, 3)) == 0 else np.arange(low, high + 1)
    codes = rng.choice(among, (inputs, outputs))
    if encoding.mapping != "offset":
        return Encoded(encoding, codes, None)
    offset = rng.integers(-300, 300, outputs)
    return Encoded(encoding, codes - offset, offset)


def cut(draw: st.DrawFn, size: int, step: int) -> list[tuple[Range, ...]]:
    """The numbers below `size` in groups, each of whole runs of `step`."""
    count = draw(st.integers(1, 3))
    steps = size // step
    groups = draw(st.lists(st.integers(0, count - 1), min_size=steps, max_size=steps))
    chosen = [
        [n for s in range(steps) if groups[s] == g for n in range(s * step, (s + 1) * step)]
        for g in range(count)
    ]
    return [ranges_of(numbers) for numbers in chosen if numbers]


@st.composite
def tilings(draw: st.DrawFn) -> tuple[Encoded, list[Tile]]:
    """Encoded weights, and tiles of any rows and columns that hold each cell once and cut no pair."""
    e = draw(encoded())
    rows, columns = e.cells.shape
    step = e.encoding.column_step
    if columns % step:  # mixed digits of an odd number of outputs
        step = e.encoding.columns_per_output
    row_sets, column_sets = cut(draw, rows, e.encoding.row_step), cut(draw, columns, step)
    tiles = [Tile(0, r, c) for r in row_sets for c in column_sets]
    if draw(st.booleans()):  # a tile of all rows leaves to the first what they have in common
        first, others = column_sets[0], [t for t in tiles if t.columns != column_sets[0]]
        common = tuple((r, c) for r in row_sets[0] for c in first)
        tiles = [Tile(0, row_sets[0], first), Tile(0, ((0, rows),), first, common), *others]
    return e, tiles


@dataclass(frozen=True)
class Vectors:
    """Input codes [vectors, inputs] of so many bits, applied `dac_bits` at a time."""

    codes: Array
    bits: int
    signed: bool
    dac_bits: int

    def digits(self) -> Iterator[tuple[int, Array]]:
        """The place and the values of each digit, lowest first; the top bit of a signed code is negative."""
        patterns = self.codes.astype(np.int64) & ((1 << self.bits) - 1)
        for start in range(0, self.bits, self.dac_bits):
            width = min(self.dac_bits, self.bits - start)
            digit = (patterns >> start) & ((1 << width) - 1)
            if self.signed and start + width == self.bits:
                top = digit >> (width - 1)
                digit = digit - (top << width)
            yield 1 << start, digit


@st.composite
def vectors(draw: st.DrawFn, e: Encoded) -> Vectors:
    inputs, planes = len(e.weights), e.encoding.planes
    bits, signed = draw(st.integers(1, 8)), planes == 1 and draw(st.booleans())
    low = -(1 << (bits - 1)) if signed else 0
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    codes = rng.integers(low, low + (1 << bits), (draw(st.integers(1, 3)), inputs))
    dac_bits = e.encoding.plane_bits if planes > 1 else draw(st.integers(1, 4))
    return Vectors(codes.astype(np.int16 if signed else np.uint8), bits, signed, dac_bits)


def meaning(encoding: Encoding, column: int) -> tuple[int, int]:
    """The output that a column belongs to, and what its read counts, as the docstring says."""
    pairs = encoding.mapping in ("differential-column", "mixed-digits")
    if encoding.mapping == "mixed-digits":
        output, place = divmod(column, encoding.slices + 1)
        digits = [(encoding.slices - 1, 1), (encoding.slices - 1, -1)]
        lower = [(digit, 1) for digit in range(encoding.slices - 1)]
        digit, sign = (lower + digits if output % 2 else digits + lower[::-1])[place]
    else:
        output, place = divmod(column, encoding.slices * (2 if pairs else 1))
        digit, sign = (place // 2, 1 - 2 * (place % 2)) if pairs else (place, 1)
    radix = 2 * 2**encoding.cell_bits - 1 if encoding.balanced else 2**encoding.cell_bits
    return output, sign * radix**digit


def simulated(e: Encoded, tile: Tile, x: Vectors) -> Array:
    """What a tile adds to the sums [vectors, outputs (and the sum of the inputs)], column by column."""
    encoding = e.encoding
    sums = np.zeros((len(x.codes), encoding.sums(e.weights.shape[1])), np.int64)
    signs = (1, -1) if encoding.mapping == "differential-row" else (1,)
    rows = [r for start, end in tile.rows for r in range(start, end)]
    columns = [c for start, end in tile.columns for c in range(start, end)]
    cells = e.cells.astype(np.int64)
    for (r0, r1), (c0, c1) in tile.without:
        cells[r0:r1, c0:c1] = 0
    digits = [*x.digits()]
    for cycle in range(-(-len(digits) // encoding.planes)):
        by_plane = digits[cycle * encoding.planes : (cycle + 1) * encoding.planes]
        idle = np.zeros(x.codes.shape, np.int64)
        planes = [digit for _, digit in by_plane] + [idle] * (encoding.planes - len(by_plane))
        driven = np.stack([sign * plane for plane in planes for sign in signs], axis=2)
        driven = driven.reshape(len(x.codes), -1)
        read = driven[:, rows] @ cells[np.ix_(rows, columns)]
        for index, column in enumerate(columns):
            output, counts = meaning(encoding, column)
            sums[:, output] += by_plane[0][0] * counts * read[:, index]
    return sums


@given(st.data())
def test_tiles_add_up_to_the_product(data: st.DataObject) -> None:
    e, tiles = data.draw(tilings())
    x = data.draw(vectors(e))
    total = np.zeros((len(x.codes), e.encoding.sums(e.weights.shape[1])), np.int64)
    for tile in tiles:
        expected = simulated(e, tile, x)
        crossbar = Crossbar(0, *tile.shape)
        crossbar.write(tile.cells_of(e.cells[None]), tile)
        sums = np.zeros_like(total)
        crossbar.mvm(x.codes, sums, e.encoding)
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

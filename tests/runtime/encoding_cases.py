"""Random encodings, tiles and inputs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from cimc.runtime.arrays import Array
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


def cycle_sums(e: Encoded, tile: Tile, x: Vectors) -> Iterator[tuple[int, Array]]:
    """Of each cycle, what its digit counts and the sum of each column of a tile, [vectors, columns]."""
    encoding = e.encoding
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
        yield by_plane[0][0], driven[:, rows] @ cells[np.ix_(rows, columns)]

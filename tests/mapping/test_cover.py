"""Covers: every used block in one tile, and tiles that fit; for the table, for the solver, for any cells."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.mapping.cover import TABLE, Cover, find_cover, read_covers, write_covers
from cimc.mapping.solve_cover import blocks_as_cells, chunks, solve_cover
from cimc.mapping.structure import Structure
from cimc.mapping.tiling import Cells, count_tiles, tiles
from cimc.runtime.packing import Axis
from cimc.runtime.tile import Tile

COVERS = read_covers(TABLE.read_text())


def check(cover: Cover) -> None:
    """Each block in use is in one tile, and each tile fits."""
    uses = cover.structure.uses
    held = np.zeros(uses.shape, int)
    for (rows, columns), without in zip(cover.tiles, cover.without, strict=True):
        assert rows == tuple(sorted({*rows}))
        assert columns == tuple(sorted({*columns}))
        assert 0 < len(rows) <= cover.rows
        assert 0 < len(columns) <= cover.columns
        held[np.ix_(rows, columns)] += 1
        assert not np.any(without & ~uses)
        held -= without
    np.testing.assert_array_equal(held[uses], 1)


@pytest.mark.parametrize("cover", COVERS, ids=lambda c: f"{c.structure.positions}-{c.rows}x{c.columns}")
def test_covers_of_the_table_hold_each_block_once(cover: Cover) -> None:
    check(cover)
    assert len(cover.tiles) >= blocks_as_cells(cover.structure, cover.rows, cover.columns).fewest_tiles
    assert len(cover.tiles) < len(chunks(cover.structure, cover.rows, cover.columns))


def test_the_table_is_written_as_it_is_read() -> None:
    assert write_covers(COVERS) == TABLE.read_text()
    keys = [(c.structure, c.rows, c.columns) for c in COVERS]
    assert len({*keys}) == len(keys)


@given(st.sampled_from(COVERS), st.integers(0, 2), st.integers(0, 2), st.data())
def test_a_cover_is_found_for_its_patch_either_way_and_for_larger_crossbars(
    known: Cover, more_rows: int, more_columns: int, data: st.DataObject
) -> None:
    structure = known.structure
    order = data.draw(st.permutations(range(len(structure.axes))))
    turned = Structure(
        1, tuple(structure.positions[i] for i in order), tuple(structure.axes[i] for i in order)
    )
    found = find_cover(turned, known.rows + more_rows, known.columns + more_columns)
    assert found is not None
    assert len(found.tiles) <= len(known.tiles)
    check(found)


def test_what_is_not_in_the_table_is_not_found() -> None:
    known = COVERS[0]
    axes, positions = known.structure.axes, known.structure.positions
    dilated = tuple(Axis(a.kernel, a.stride, 2) for a in axes)
    assert find_cover(Structure(1, positions, dilated), 8, 8) is None
    assert find_cover(Structure(2, positions, axes), 8, 8) is None
    assert find_cover(known.structure, 0, known.columns) is None


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    if draw(st.booleans()):
        known = draw(st.sampled_from(COVERS)).structure
        turn = draw(st.sampled_from([1, -1]))
        return Structure(1, known.positions[::turn], known.axes[::turn])
    axes = draw(st.lists(st.builds(Axis, *[st.integers(1, 3)] * 3), min_size=1, max_size=2))
    return Structure(draw(st.integers(1, 2)), tuple(draw(st.integers(1, 4)) for _ in axes), tuple(axes))


@st.composite
def cells(draw: st.DrawFn) -> Cells:
    row_step, column_step = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    outputs, per_output = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    if column_step == 2 and draw(st.booleans()):
        per_output = 2
    structure = draw(structures())
    unit_columns = int(structure.is_dense and column_step == 1 and draw(st.booleans()))
    row_size, column_size = row_step * draw(st.integers(1, 3)), outputs * per_output
    rows = max(row_step, row_size * draw(st.integers(0, 8)) + draw(st.integers(0, 3)))
    cols = max(column_step, per_output, column_size * draw(st.integers(0, 8)) + draw(st.integers(0, 3)))
    steps = (column_step, per_output)
    return Cells(structure, row_size, column_size, unit_columns, row_step, steps, rows, cols)


@given(cells())
@settings(max_examples=300)
def test_tiles_hold_each_used_cell_once(c: Cells) -> None:
    uses = np.kron(c.structure.uses, np.ones((c.row_size, c.column_size), bool))
    uses = np.hstack([uses, np.ones((len(uses), c.unit_columns), bool)])
    assert uses.shape == c.shape
    held = np.zeros(uses.shape, int)
    numbers = np.arange(1, uses.size + 1).reshape(1, *uses.shape)
    parts = tiles(c)
    for part in parts:
        tile = Tile(0, part.rows, part.columns, part.without)
        assert tile.shape[0] <= c.rows
        assert tile.shape[1] <= c.cols
        assert all(row % c.row_step == 0 for ends in part.rows for row in ends)
        written = tile.cells_of(numbers)
        np.add.at(held.reshape(-1), written[written > 0] - 1, 1)
    np.testing.assert_array_equal(held[uses], 1)
    assert c.fewest_tiles <= count_tiles(c) == len(parts)


@given(structures(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_solved_covers_hold_each_block_once(structure: Structure, rows: int, columns: int, seed: int) -> None:
    cover = solve_cover(structure, rows, columns, 3, seed)
    check(cover)
    assert blocks_as_cells(structure, rows, columns).fewest_tiles <= len(cover.tiles)
    assert len(cover.tiles) <= len(chunks(structure, rows, columns))
    assert solve_cover(structure, rows, columns, 3, seed) == cover


def test_four_positions_share_ten_tiles_of_two_by_two_blocks() -> None:
    """No fewer are possible: each of four positions has nine pixels, five tiles' worth, two at a time."""
    structure = Structure(1, (2, 2), (Axis(3), Axis(3)))
    assert len(chunks(structure, 2, 2)) == 12
    assert len(solve_cover(structure, 2, 2, 60).tiles) == 10 == prod((2, 2)) * 5 // 2

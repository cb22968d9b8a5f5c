"""Wear against arrays of cells in which every write is counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.wear import Wear

ROWS, COLS = 5, 7
WRITES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, ROWS), st.integers(1, COLS), st.booleans()), max_size=12
)


@given(WRITES)
def test_writes_of_cells(writes: list[tuple[int, int, int, bool]]) -> None:
    wear = Wear()
    counts = np.zeros((4, ROWS, COLS), int)
    tiles = np.zeros(4, int)
    changing = np.zeros(4, bool)
    for crossbar, rows, cols, changes in writes:
        wear.write(crossbar, rows * cols, changing=changes)
        counts[crossbar, :rows, :cols] += 1
        tiles[crossbar] += 1
        changing[crossbar] |= changes
    kept = (tiles == 1) & ~changing
    assert wear.kept_cells == counts[kept].sum()
    assert wear.writes_per_cell == counts[~kept].max(initial=0)

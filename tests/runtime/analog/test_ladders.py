"""The approximation against the exact network: where it is exact, and how far off it is elsewhere."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.runtime.analog.ladders import ladder_effective
from cimc.runtime.analog.nodal import exact_effective
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding

SIDES = st.integers(1, 9)
OHMS = st.sampled_from([1e-6, 0.1, 3.0, 70.0])
SEEDS = st.integers(0, 1 << 32)


def assert_exact(cells: Array, row_ohm: float, column_ohm: float) -> None:
    found = ladder_effective(cells, row_ohm, column_ohm)
    expected = exact_effective(cells, row_ohm, column_ohm)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * cells.max())


@given(SIDES, SIDES, OHMS, SEEDS)
@settings(deadline=None)
def test_exact_without_resistance_in_one_direction(rows: int, columns: int, ohm: float, seed: int) -> None:
    cells = np.random.default_rng(seed).random((rows, columns)) * 1e-4
    assert_exact(cells, ohm, 0.0)
    assert_exact(cells, 0.0, ohm)


@given(SIDES, SIDES, OHMS, OHMS, SEEDS)
@settings(deadline=None)
def test_exact_for_equal_rows_and_for_equal_columns(
    rows: int, columns: int, row_ohm: float, column_ohm: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    assert_exact(np.tile(rng.integers(0, 16, (1, columns)) * 1e-5, (rows, 1)), row_ohm, column_ohm)
    assert_exact(np.tile(rng.integers(0, 16, (rows, 1)) * 1e-5, (1, columns)), row_ohm, column_ohm)


def random_cells(rng: np.random.Generator, side: int) -> Array:
    """4-bit levels without any structure."""
    return rng.integers(0, 16, (side, side))


def cells_of_weights(rng: np.random.Generator, side: int) -> Array:
    """Normally distributed 8-bit weights in differential columns: half of the cells are empty."""
    weights = np.rint(rng.normal(0, 30, (side, side // 4))).clip(-127, 127).astype(np.int64)
    return Encoding("differential-column", cell_bits=4, slices=2).encode(weights)


def half_empty(rng: np.random.Generator, side: int) -> Array:
    """Whole rows and columns without a conducting cell."""
    cells = random_cells(rng, side)
    cells[rng.random(side) < 0.3] = 0
    cells[:, rng.random(side) < 0.5] = 0
    return cells


@pytest.mark.parametrize("kind", [random_cells, cells_of_weights, half_empty])
@pytest.mark.parametrize("side", [32, 96])
@pytest.mark.parametrize("on_siemens", [1e-5, 1e-4])
@pytest.mark.parametrize("ohm", [1.0, 5.0])
def test_errs_by_a_hundredth_of_the_loss(
    kind: Callable[[np.random.Generator, int], Array], side: int, on_siemens: float, ohm: float
) -> None:
    rng = np.random.default_rng(side)
    cells = kind(rng, side) * (on_siemens / 15)
    voltages = rng.integers(0, 2, (64, side))
    exact = voltages @ exact_effective(cells, ohm, ohm)
    loss = np.abs(voltages @ cells - exact).max()
    assert np.abs(voltages @ ladder_effective(cells, ohm, ohm) - exact).max() < 0.01 * loss


def test_a_crossbar_without_conducting_cells() -> None:
    np.testing.assert_array_equal(ladder_effective(np.zeros((3, 4)), 1.0, 1.0), np.zeros((3, 4)))

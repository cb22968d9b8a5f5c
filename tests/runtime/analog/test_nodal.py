"""The exact network against badcrossbar's, and what follows from Kirchhoff's laws alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.runtime.analog.nodal import exact_effective
from cimc.runtime.arrays import Array

SIDES = st.integers(1, 9)
OHMS = st.sampled_from([0.0, 0.1, 3.0, 70.0])
SEEDS = st.integers(0, 1 << 32)


def some_cells(rows: int, columns: int, seed: int) -> Array:
    """Conductances in siemens of 4-bit cells, some of them in the state without any."""
    return np.random.default_rng(seed).integers(0, 16, (rows, columns)) * (1e-4 / 15)


def assert_like_badcrossbar(cells: Array, row_ohm: float, column_ohm: float) -> None:
    badcrossbar: Any = pytest.importorskip("badcrossbar", reason="pip install --no-deps it")
    with np.errstate(divide="ignore"):
        resistances = 1 / cells
    # One row alone, and, for superposition, all at once.
    voltages = np.vstack([np.eye(len(cells)), np.random.default_rng(0).normal(size=(2, len(cells)))])
    solution = badcrossbar.compute(voltages.T, resistances, r_i_word_line=row_ohm, r_i_bit_line=column_ohm)
    found, expected = voltages @ exact_effective(cells, row_ohm, column_ohm), solution.currents.output
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12 * cells.max())


@given(SIDES, SIDES, OHMS, OHMS, SEEDS)
@settings(max_examples=60, deadline=None)
def test_like_badcrossbar(rows: int, columns: int, row_ohm: float, column_ohm: float, seed: int) -> None:
    assert_like_badcrossbar(some_cells(rows, columns, seed), row_ohm, column_ohm)


@pytest.mark.parametrize(("rows", "columns"), [(1, 40), (40, 1), (33, 20), (17, 31)])
def test_like_badcrossbar_in_larger_arrays(rows: int, columns: int) -> None:
    assert_like_badcrossbar(some_cells(rows, columns, rows), 5.0, 2.0)


@given(SIDES, SIDES, OHMS, OHMS, SEEDS)
@settings(deadline=None)
def test_turned_around(rows: int, columns: int, row_ohm: float, column_ohm: float, seed: int) -> None:
    """Reciprocity: sources and sense amplifiers may change places."""
    cells = some_cells(rows, columns, seed)
    turned = exact_effective(cells[::-1, ::-1].T, column_ohm, row_ohm)
    np.testing.assert_allclose(turned[::-1, ::-1].T, exact_effective(cells, row_ohm, column_ohm), atol=1e-15)


def test_one_cell_is_three_resistors_in_series() -> None:
    assert exact_effective(np.array([[1e-4]]), 30.0, 20.0).item() == pytest.approx(1 / (1e4 + 50))

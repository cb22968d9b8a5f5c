"""Wires as the simulator sees them: what they refuse, their units, and what more resistance does."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.runtime.analog.nodal import exact_effective
from cimc.runtime.analog.wires import Wires, effective
from cimc.runtime.arrays import Array

STEP_SIEMENS = 1e-4 / 15
OHMS = st.just(0.0) | st.floats(1e-6, 50)


def some_levels(rows: int, columns: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(0, 16, (rows, columns)).astype(np.float64)


@pytest.mark.parametrize("name", ["row_ohm", "column_ohm", "on_siemens"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_impossible_values_are_refused(name: str, value: float) -> None:
    with pytest.raises(CimcError, match=f"wires: {name} must be .*, got {value}"):
        replace(Wires(), **{name: value})


def test_cells_must_be_able_to_conduct() -> None:
    with pytest.raises(CimcError, match="wires: on_siemens must be above 0, got 0"):
        Wires(on_siemens=0)


@pytest.mark.parametrize("exact", [False, True])
def test_without_resistance_they_change_nothing(exact: bool) -> None:
    levels = some_levels(5, 7, 0)
    assert Wires(exact=exact).are_ideal
    np.testing.assert_array_equal(effective(levels, Wires(exact=exact), STEP_SIEMENS), levels)


def test_conductances_are_in_steps() -> None:
    levels = some_levels(5, 7, 0)
    wires = Wires(row_ohm=3, column_ohm=4, exact=True)
    expected = exact_effective(levels * STEP_SIEMENS, 3, 4) / STEP_SIEMENS
    np.testing.assert_allclose(effective(levels, wires, STEP_SIEMENS), expected)


@pytest.mark.parametrize("exact", [False, True])
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 50), st.integers(0, 1 << 32))
@settings(max_examples=30, deadline=None)
def test_only_the_product_of_ohms_and_siemens_counts(
    exact: bool, rows: int, columns: int, ohm: float, seed: int
) -> None:
    levels = some_levels(rows, columns, seed)
    found = effective(levels, Wires(ohm, 2 * ohm, exact=exact), STEP_SIEMENS)
    scaled = effective(levels, Wires(10 * ohm, 20 * ohm, exact=exact), STEP_SIEMENS / 10)
    np.testing.assert_allclose(found, scaled, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("exact", [False, True])
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1 << 32))
@settings(max_examples=30, deadline=None)
def test_more_resistance_less_current(exact: bool, rows: int, columns: int, seed: int) -> None:
    """In total, with all rows driven: Rayleigh's monotonicity."""
    levels = some_levels(rows, columns, seed)
    ohms = [(0, 0), (0, 1), (1, 1), (5, 1), (5, 5), (50, 50)]
    totals = [effective(levels, Wires(*pair, exact=exact), STEP_SIEMENS).sum() for pair in ohms]
    assert np.all(np.diff(totals) <= 1e-9)


@given(st.integers(1, 12), st.integers(1, 12), OHMS, OHMS, st.integers(0, 1 << 32))
@settings(deadline=None)
def test_the_approximation_is_never_far_off(
    rows: int, columns: int, row_ohm: float, column_ohm: float, seed: int
) -> None:
    levels = some_levels(rows, columns, seed)
    found, expected = (
        effective(levels, Wires(row_ohm, column_ohm, exact=exact), STEP_SIEMENS).sum(axis=0)
        for exact in (False, True)
    )
    assert np.all(np.abs(found - expected) <= 0.02 * levels.sum(axis=0) + 1e-9)

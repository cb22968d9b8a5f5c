"""Conductances and noise against their formulas, within what samples of their size allow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimc.errors import CimcError
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.conductances import programmed
from cimc.runtime.analog.faults import Faults, drawn_faults, load_fault_map
from cimc.runtime.arrays import Array

CELL_BITS = 3
HIGHEST = 7


def sample(cells: Cells, code: int, faults: Faults | None = None) -> Array:
    """What 90,000 cells of a code conduct, float64."""
    codes = np.full((300, 300), code, np.uint8)
    g = programmed(codes, cells, CELL_BITS, faults, np.random.default_rng(5))
    return g.whole.astype(np.float64).ravel()


def assert_normal(values: Array, mean: float, deviation: float) -> None:
    """Mean and deviation are those asked for, within five of their standard errors; so are the tails."""
    count = len(values)
    assert abs(values.mean() - mean) < 5 * deviation / count**0.5
    assert abs(values.std() / deviation - 1) < 5 / (2 * count) ** 0.5
    z = np.abs(values - mean) / deviation
    for limit, share in ((1, 0.317311), (2, 0.045500), (3, 0.002700)):
        assert abs(np.mean(z > limit) - share) < 5 * (share / count) ** 0.5


@pytest.mark.parametrize("code", range(8))
def test_cells_are_exact_by_default(code: int) -> None:
    assert np.all(sample(Cells(), code) == code)


@pytest.mark.parametrize("code", [0, 3, 7])
def test_the_lowest_level_leaks_at_a_finite_on_off_ratio(code: int) -> None:
    g = sample(Cells(on_off_ratio=8.0), code)
    assert np.all(g == code + 1)
    low, high = sample(Cells(on_off_ratio=20.0), 0), sample(Cells(on_off_ratio=20.0), 7)
    np.testing.assert_allclose(high / low, 20, rtol=1e-6)


def test_a_table_of_levels_may_be_uneven() -> None:
    levels = (2.0, 3.0, 5.0, 6.0, 9.0, 9.5, 10.0, 16.0)
    found = [sample(Cells(levels=levels), code)[0] for code in range(8)]
    np.testing.assert_allclose(found, np.array(levels) / 2, rtol=1e-6)  # 14 microsiemens for 7 steps


@pytest.mark.parametrize("code", [0, 2, 7])
def test_additive_programming_noise(code: int) -> None:
    assert_normal(sample(Cells(programming_noise=0.02), code), code, 0.02 * HIGHEST)


@pytest.mark.parametrize("code", [2, 7])
def test_proportional_programming_noise(code: int) -> None:
    cells = Cells(programming_noise=0.1, programming_kind="proportional", on_off_ratio=8.0)
    assert_normal(sample(cells, code), code + 1, 0.1 * (code + 1))
    assert np.all(sample(Cells(programming_noise=0.1, programming_kind="proportional"), 0) == 0)


@pytest.mark.parametrize("code", [2, 7])
def test_log_normal_programming_noise(code: int) -> None:
    found = sample(Cells(programming_noise=0.3, programming_kind="log-normal"), code)
    assert_normal(np.log(found), np.log(code), 0.3)


def test_drift_follows_the_power_law() -> None:
    cells = Cells(drift_exponent=0.05, drift_s=1e6, drift_start_s=20.0)
    np.testing.assert_allclose(sample(cells, 6), 6 * (1e6 / 20) ** -0.05, rtol=1e-6)
    spread = Cells(drift_exponent=0.05, drift_exponent_noise=0.01, drift_s=1e6, drift_start_s=20.0)
    nu = -np.log(sample(spread, 6) / 6) / np.log(1e6 / 20)
    assert_normal(nu, 0.05, 0.01)


def test_stuck_cells_keep_their_level_whatever_is_written() -> None:
    off, on = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
    off[:, 0], on[:, 1] = True, True
    noisy = Cells(programming_noise=0.1, on_off_ratio=8.0, drift_exponent=0.1, drift_s=10.0)
    g = sample(noisy, 3, Faults(off, on)).reshape(300, 300)
    assert np.all(g[:, 0] == 1)
    assert np.all(g[:, 1] == 8)
    assert np.all((g[:, 2:] != 1) & (g[:, 2:] != 8))


def test_shares_of_stuck_cells() -> None:
    faults = drawn_faults(Cells(stuck_at_off=0.1, stuck_at_on=0.02), 500, 400, np.random.default_rng(0))
    assert not np.any(faults.off & faults.on)
    for found, share in ((faults.off.mean(), 0.1), (faults.on.mean(), 0.02)):
        assert abs(found - share) < 5 * (share / 200_000) ** 0.5


def test_a_fault_map_is_read(tmp_path: Path) -> None:
    off, on = np.zeros((2, 4, 6), bool), np.zeros((2, 4, 6), bool)
    off[1, 2, 3], on[0, 1, 1] = True, True
    path = tmp_path / "faults.npz"
    np.savez(path, stuck_at_off=off, stuck_at_on=on)
    first, second = load_fault_map(str(path), 2, 4, 6)
    assert np.argwhere(first.on).tolist() == [[1, 1]]
    assert np.argwhere(second.off).tolist() == [[2, 3]]
    assert not first.off.any()
    with pytest.raises(CimcError, match=r"'stuck_at_off' must be bool \[1, 4, 6\]"):
        load_fault_map(str(path), 1, 4, 6)
    np.savez(path, stuck_at_off=off)
    with pytest.raises(CimcError, match="holds no array 'stuck_at_on'"):
        load_fault_map(str(path), 2, 4, 6)
    np.savez(path, stuck_at_off=off, stuck_at_on=off)
    with pytest.raises(CimcError, match="stuck at off and at on"):
        load_fault_map(str(path), 2, 4, 6)
    path.write_bytes(b"no archive")
    with pytest.raises(CimcError, match=r"fault map .*: not a \.npz file"):
        load_fault_map(str(path), 2, 4, 6)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"on_off_ratio": 1.0}, "on_off_ratio must be above 1, got 1.0"),
    ({"on_off_ratio": float("nan")}, "on_off_ratio must be above 1"),
    ({"programming_noise": -0.1}, "programming_noise must be 0 or more"),
    ({"read_noise": "high"}, "read_noise must be 0 or more, got 'high'"),
    ({"read_kind": "pink"}, "read_kind must be one of additive, proportional, log-normal, got 'pink'"),
    ({"stuck_at_on": 1.5}, "stuck_at_on must be from 0 to 1"),
    ({"stuck_at_on": 0.6, "stuck_at_off": 0.6}, "must not be above 1 together"),
    ({"stuck_at_on": 0.1, "fault_map": "x.npz"}, "give fault_map or the shares"),
    ({"drift_s": 0}, "drift_s must be above 0"),
    ({"levels": [1, 1]}, "levels must end above where they begin"),
    ({"levels": [1, 2], "on_off_ratio": 3.0}, "say the on_off_ratio themselves"),
    ({"levels": ["a"]}, "levels must be 0 or more each, got 'a'"),
    ({"levels": 3}, "levels must be a list of conductances, got 3"),
    ({"fault_map": 3}, "fault_map must be the name of a file, got 3"),
]


@pytest.mark.parametrize(("values", "message"), BAD)
def test_what_no_cell_is_like(values: dict[str, Any], message: str) -> None:
    make: Callable[..., Cells] = Cells
    with pytest.raises(CimcError, match=f"cells: .*{message}"):
        make(**values)


def test_a_table_must_have_all_levels() -> None:
    with pytest.raises(CimcError, match="levels must hold 16 conductances for 4 bits, got 2"):
        Cells(levels=(1.0, 2.0)).check(4)

"""Energy and endurance against their formulas in exact fractions, and what is refused."""

from dataclasses import asdict, fields
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.runtime.analog.endurance import Endurance
from cimc.runtime.analog.energy import ENERGIES, Energy
from cimc.runtime.timeline import Counters
from cimc.runtime.wear import Wear
from cimc.target import load_target

COUNTS = st.integers(0, 1 << 40)
PICOJOULES = st.floats(0, 1e6, allow_subnormal=False) | st.integers(0, 1000)


@given(
    st.builds(Counters, *[COUNTS] * len(fields(Counters))),
    st.builds(Energy, *[PICOJOULES] * len(ENERGIES)),
)
def test_energy_is_the_sum_of_events(counters: Counters, energy: Energy) -> None:
    counted, known = asdict(counters), asdict(energy)
    parts = {name: Fraction(counted[name]) * Fraction(known[key]) / 10**6 for name, key in ENERGIES.items()}
    assert energy.by_event_uj(counters) == pytest.approx({n: float(part) for n, part in parts.items()})
    assert energy.total_uj(counters) == pytest.approx(float(sum(parts.values())))
    assert not energy.missing(counters)


@given(
    st.dictionaries(st.sampled_from(sorted(ENERGIES)), st.integers(1, 9)), st.sampled_from(sorted(ENERGIES))
)
def test_an_unknown_energy_is_not_0(counts: dict[str, int], unknown: str) -> None:
    known: dict[str, Any] = {key: 2.0 for name, key in ENERGIES.items() if name != unknown}
    energy, counters = Energy(**known), Counters(**counts)
    missing = [ENERGIES[unknown]] if unknown in counts else []
    assert energy.missing(counters) == missing
    assert (energy.total_uj(counters) is None) == bool(missing)
    assert energy.by_event_uj(counters)[unknown] is None


def test_what_stays_is_written_once() -> None:
    wear = Wear()
    wear.write(0, 30, changing=False)
    wear.write(1, 20, changing=False)
    wear.write(1, 10, changing=False)
    energy = Energy(cell_write_pj=1e6)
    counters = Counters(cell_writes=60)
    assert (energy.total_uj(counters), energy.later_uj(counters, wear)) == (60, 30)


@pytest.mark.parametrize(
    ("writes", "per_cell", "expected"),
    [(1e6, 714, 1400), (10, 3, 3), (10, 11, 0), (1e12, 1, 10**12), (None, 4, None), (1e6, 0, None)],
)
def test_endurance(writes: float | None, per_cell: int, expected: int | None) -> None:
    assert Endurance(writes).inferences(per_cell) == expected


@pytest.mark.parametrize("key", ENERGIES.values())
@pytest.mark.parametrize("value", [-1.0, float("nan"), 1.1e12, True, "1"])
def test_energies_out_of_range(key: str, value: object) -> None:
    values: dict[str, Any] = {key: value}
    with pytest.raises(CimcError, match=f"energy: {key} must be picojoules from 0 to 1e.12, got {value!r}"):
        Energy(**values)


@pytest.mark.parametrize("value", [0, 0.5, -1.0, float("nan"), float("inf"), True, "1e6"])
def test_endurance_out_of_range(value: Any) -> None:
    with pytest.raises(CimcError, match=f"endurance: writes must be a number from 1 on, got {value!r}"):
        Endurance(value)


@pytest.mark.parametrize("section", [Energy, Endurance])
def test_a_source_is_text(section: Any) -> None:
    with pytest.raises(CimcError, match="source must be a string, got 2016"):
        section(source=2016)


def test_isaac_says_what_its_power_gives() -> None:
    """Milliwatts of 8 crossbars times a cycle of 100 ns are picojoules."""
    target = load_target("rram-128x128-c2-isaac")
    cycle_ns, crossbars = 100, 8
    assert target.mvm_us * 1000 == pytest.approx(cycle_ns)
    energy = target.energy
    assert energy.mvm_pj == pytest.approx(2.4 * cycle_ns / crossbars)
    assert energy.dac_pj == pytest.approx(4 * cycle_ns / (crossbars * target.rows))
    assert energy.adc_pj == pytest.approx(16 * cycle_ns / (crossbars * target.cols))
    assert energy.shift_add_pj == pytest.approx(0.2 * cycle_ns / (crossbars * target.cols))
    assert target.write_us == pytest.approx(target.rows * 1.65)
    assert energy.source
    assert target.endurance.source

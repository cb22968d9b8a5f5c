"""What the events of an inference cost in energy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cimc.errors import CimcError
from cimc.runtime.analog.checks import check_number
from cimc.runtime.timeline import Counters
from cimc.runtime.wear import Wear

PICOJOULES_PER_UJ = 1_000_000

_MAX_PJ = 1e12
"""A joule."""

ENERGIES: Mapping[str, str] = {
    "cell_writes": "cell_write_pj",
    "mvm_cycles": "mvm_pj",
    "dac_conversions": "dac_pj",
    "adc_conversions": "adc_pj",
    "shift_adds": "shift_add_pj",
    "digital_operations": "digital_pj",
}
"""Which energy an event takes, by the counter of such events."""


@dataclass(frozen=True)
class Energy:
    """Picojoules of single events; None if they are not known. Raises `CimcError` if one is out of range.

    The energy of an inference is the sum over all events of how many there are times what one takes.
    """

    cell_write_pj: float | None = None
    """Programming one cell, pulses and verifying included."""
    mvm_pj: float | None = None
    """One cycle of a crossbar's cells, without converters."""
    dac_pj: float | None = None
    """Driving one row with one input digit."""
    adc_pj: float | None = None
    """Converting one column sum."""
    shift_add_pj: float | None = None
    """Shifting one converted sum and adding it to an accumulator."""
    digital_pj: float | None = None
    """One digital operation: one element of a result."""
    source: str = ""
    """Where the figures are published."""

    def __post_init__(self) -> None:
        for key in ENERGIES.values():
            value = getattr(self, key)
            if value is not None:
                wanted = f"picojoules from 0 to {_MAX_PJ:g}"
                check_number("energy", key, value, wanted, lambda v: 0 <= v <= _MAX_PJ)
        if type(self.source) is not str:
            raise CimcError(f"energy: source must be a string, got {self.source!r}")

    def missing(self, counters: Counters) -> list[str]:
        """The energies of events that there are, but that are not known."""
        return [key for name, key in ENERGIES.items() if getattr(counters, name) and self._of(name) is None]

    def by_event_uj(self, counters: Counters) -> dict[str, float | None]:
        """Microjoules of all events of a kind, by the name of their counter; None if it is not known."""
        energies = ((name, self._of(name)) for name in ENERGIES)
        return {
            name: None if pj is None else getattr(counters, name) * pj / PICOJOULES_PER_UJ
            for name, pj in energies
        }

    def total_uj(self, counters: Counters) -> float | None:
        """Microjoules of all events together; None if the energy of one of them is not known."""
        if self.missing(counters):
            return None
        return sum(uj for uj in self.by_event_uj(counters).values() if uj is not None)

    def later_uj(self, counters: Counters, wear: Wear) -> float | None:
        """The same for an inference after the first one, which has written what stays in crossbars."""
        return self.total_uj(replace(counters, cell_writes=counters.cell_writes - wear.kept_cells))

    def _of(self, counter: str) -> float | None:
        return getattr(self, ENERGIES[counter])

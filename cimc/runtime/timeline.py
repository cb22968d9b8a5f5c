"""When each crossbar does what: the simulator's clock, in whole picoseconds."""

from dataclasses import dataclass, field
from typing import Literal

from cimc.errors import CimcError


@dataclass(frozen=True)
class Event:
    """A crossbar's time for one write or one batch of MVMs."""

    kind: Literal["write", "mvm"]
    crossbar: int
    layer: str
    start_ps: int
    end_ps: int


@dataclass
class Counters:
    """What a layer, or a network, has taken."""

    tile_writes: int = 0
    mvm_cycles: int = 0
    adc_conversions: int = 0
    dac_conversions: int = 0
    write_ps: int = 0
    mvm_ps: int = 0

    def add(self, other: "Counters") -> None:
        """Adds what another has taken."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Timeline:
    """The events of a run, and counters by layer. An event that overlaps another is refused."""

    events: list[Event] = field(default_factory=list[Event])
    layers: dict[str, Counters] = field(default_factory=dict[str, Counters])
    _free_ps: dict[int, int] = field(default_factory=dict[int, int])

    def occupy(self, event: Event, counters: Counters) -> None:
        """Enters an event. Raises `CimcError` if its crossbar is still busy when it starts."""
        free = self._free_ps.get(event.crossbar, 0)
        if event.start_ps < free:
            raise CimcError(
                f"crossbar {event.crossbar} does two things at once: {event.kind} of layer "
                f"{event.layer!r} starts at {event.start_ps} ps, it is busy until {free} ps"
            )
        self._free_ps[event.crossbar] = event.end_ps
        self.events.append(event)
        self.layers.setdefault(event.layer, Counters()).add(counters)

    @property
    def end_ps(self) -> int:
        """When the last event ends."""
        return max(self._free_ps.values(), default=0)

    @property
    def total(self) -> Counters:
        """The counters of all layers together."""
        total = Counters()
        for counters in self.layers.values():
            total.add(counters)
        return total

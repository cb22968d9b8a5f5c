"""When each crossbar does what: the simulator's clock, in whole picoseconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from cimc.errors import CimcError
from cimc.runtime.tile import Tile
from cimc.runtime.wear import Wear


@dataclass(frozen=True)
class Event:
    """A crossbar's time for one write or one batch of MVMs, of a tile."""

    kind: Literal["write", "mvm"]
    crossbar: int
    layer: str
    start_ps: int
    end_ps: int
    tile: Tile
    vectors: int = 0
    """How many an MVM streams."""


@dataclass
class Counters:
    """What a layer, or a network, has taken."""

    tile_writes: int = 0
    mvm_cycles: int = 0
    adc_conversions: int = 0
    dac_conversions: int = 0
    write_ps: int = 0
    mvm_ps: int = 0
    cell_writes: int = 0
    """Cells that are programmed: with a tile, all of its rows and columns."""
    shift_adds: int = 0
    """Converted sums that are shifted and added to accumulators, which begin at 0."""
    digital_operations: int = 0
    """Elements that the digital part computes."""

    @property
    def crossbar_ps(self) -> int:
        """Time of crossbars, all together."""
        return self.write_ps + self.mvm_ps

    def add(self, other: "Counters") -> None:
        """Adds what another has taken."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Timeline:
    """The events of a run, and counters by layer. An event that overlaps another is refused."""

    events: list[Event] = field(default_factory=list[Event])
    layers: dict[str, Counters] = field(default_factory=dict[str, Counters])
    digital: Counters = field(default_factory=Counters)
    """What is of no layer: activations, pooling and the like."""
    wear: Wear = field(default_factory=Wear)
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

    def compute(self, operations: int, layer: str | None = None) -> None:
        """Counts operations of the digital part, of a layer or of none."""
        counters = self.digital if layer is None else self.layers.setdefault(layer, Counters())
        counters.digital_operations += operations

    @property
    def end_ps(self) -> int:
        """When the last event ends."""
        return max(self._free_ps.values(), default=0)

    @property
    def total(self) -> Counters:
        """The counters of all layers and the digital part together."""
        return sum_of((*self.layers.values(), self.digital))


def sum_of(parts: Iterable[Counters]) -> Counters:
    """What some parts have taken together."""
    total = Counters()
    for counters in parts:
        total.add(counters)
    return total

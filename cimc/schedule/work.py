"""What is to be scheduled: layers of equal tiles, and the crossbars that take them."""

from dataclasses import dataclass
from math import ceil

from cimc.target import Target


@dataclass(frozen=True)
class Machine:
    """Crossbars that all do the same in the same time."""

    crossbars: int
    write_ps: int
    """Time to program a tile into a crossbar."""


def machine_of(target: Target) -> Machine:
    """The crossbars of a target."""
    return Machine(target.crossbars, target.write_ps)


@dataclass(frozen=True)
class LayerWork:
    """`tiles` tiles, each of which all `vectors` vectors stream through.

    A tile may be written into several crossbars, each of which takes some of the vectors. Layers are
    numbered in the order of the program; what one depends on comes before it.
    """

    name: str
    tiles: int
    vectors: int
    vector_ps: int
    """Time of one vector through one crossbar."""
    vectors_after: frozenset[int] = frozenset()
    """Layers whose sums are needed before a vector can stream."""
    cells_after: frozenset[int] = frozenset()
    """Layers whose sums are needed before a tile can be written: those of a computed operand."""

    @property
    def mvm_ps(self) -> int:
        """Time of all vectors through all tiles on one crossbar."""
        return self.tiles * self.vectors * self.vector_ps

    def shortest_ps(self, crossbars: int) -> int:
        """No schedule streams the vectors through copies on so many crossbars faster: vectors are whole."""
        return ceil(self.tiles * self.vectors / crossbars) * self.vector_ps

"""How long cells last."""

from dataclasses import dataclass
from math import inf

from cimc.errors import CimcError
from cimc.runtime.analog.checks import check_number


@dataclass(frozen=True)
class Endurance:
    """How often a cell can be written. Raises `CimcError` if a value is out of range."""

    writes: float | None = None
    """None if it is not known."""
    source: str = ""
    """Where the figure is published."""

    def __post_init__(self) -> None:
        if self.writes is not None:
            check_number("endurance", "writes", self.writes, "a number from 1 on", lambda v: 1 <= v < inf)
        if type(self.source) is not str:
            raise CimcError(f"endurance: source must be a string, got {self.source!r}")

    def inferences(self, writes_per_cell: int) -> int | None:
        """Whole inferences until a cell that each writes so often is spent.

        None if that is not known, or if no inference writes it.
        """
        if self.writes is None or not writes_per_cell:
            return None
        return int(self.writes // writes_per_cell)

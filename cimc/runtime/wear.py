"""Which writes are repeated in each inference: what wears cells."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Wear:
    """The writes of an inference, by crossbar.

    A crossbar that is written once, with codes that are the same in each inference, keeps them: only the
    first inference writes it.
    """

    _writes: Counter[int] = field(default_factory=Counter[int])
    _cells: Counter[int] = field(default_factory=Counter[int])
    _changing: set[int] = field(default_factory=set[int])

    def write(self, crossbar: int, cells: int, *, changing: bool) -> None:
        """Notes a write of so many cells; `changing` if the next inference may write other codes."""
        self._writes[crossbar] += 1
        self._cells[crossbar] += cells
        if changing:
            self._changing.add(crossbar)

    @property
    def writes_per_cell(self) -> int:
        """How often each inference after the first writes the cell that is written most.

        Tiles lie from row and column 0 on, so the cell there is written with every tile of its crossbar.
        """
        return max((n for crossbar, n in self._writes.items() if not self.keeps(crossbar)), default=0)

    @property
    def kept_cells(self) -> int:
        """Cells that only the first inference writes."""
        return sum(cells for crossbar, cells in self._cells.items() if self.keeps(crossbar))

    def keeps(self, crossbar: int) -> bool:
        """Whether only the first inference writes it."""
        return self._writes[crossbar] == 1 and crossbar not in self._changing

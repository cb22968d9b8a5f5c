"""How often cells are written: what wears them."""

from collections import Counter


class Wear:
    """Counts the writes of each crossbar's most-written cell in an inference.

    Tiles lie from row and column 0 on, so the cell there is written with every tile of its crossbar.
    """

    def __init__(self) -> None:
        self._writes: Counter[int] = Counter()
        self._changing: set[int] = set()

    def write(self, crossbar: int, *, changing: bool) -> None:
        """Notes a write of a tile; `changing` if the next inference may write other codes."""
        self._writes[crossbar] += 1
        if changing:
            self._changing.add(crossbar)

    @property
    def writes_per_cell(self) -> int:
        """Writes of the most-written cell of all crossbars in an inference, after the first one.

        A crossbar that is written once, with the same codes in each inference, keeps them: it counts 0.
        """
        return max(
            (n for crossbar, n in self._writes.items() if n > 1 or crossbar in self._changing), default=0
        )

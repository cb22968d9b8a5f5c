"""Some of the vectors of a batch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Vectors:
    """Every `step`-th vector from `first` up to, but without, `last`."""

    first: int
    last: int
    step: int = 1

    @property
    def count(self) -> int:
        """How many they are."""
        return len(range(self.first, self.last, self.step))

    @property
    def index(self) -> slice:
        """They as an index of an axis of vectors."""
        return slice(self.first, self.last, self.step)

"""Which inputs each output of a packed matrix reads."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.packing import Axis


@dataclass(frozen=True)
class Packing:
    """How many matrices lie on the diagonal of one, and how many output positions it serves, by axis."""

    groups: int
    positions: tuple[int, ...]
    covered: bool = False
    """Whether tiles take any blocks, as a known cover says, or consecutive columns."""

    @property
    def is_plain(self) -> bool:
        """Whether each matrix and each position is for itself."""
        return self.groups * prod(self.positions) == 1


@dataclass(frozen=True)
class Structure:
    """A matrix of blocks: `groups` of them on the diagonal, each with a patch of output positions.

    A block of rows belongs to one pixel of one group, a block of columns to one output position of one
    group; it is in use where the position's window has the pixel. Blocks of rows are ordered by group and
    pixel, those of columns by group and position.
    """

    groups: int
    positions: tuple[int, ...]
    """Of a patch, along each axis."""
    axes: tuple[Axis, ...]
    covered: bool = False
    """Whether tiles take any blocks, as a known cover says, or consecutive columns."""

    @property
    def is_dense(self) -> bool:
        """Whether every block is in use."""
        return self.groups == 1 and prod(self.positions) == 1

    @property
    def row_blocks(self) -> int:
        """Blocks of rows: pixels, of all groups."""
        return self.groups * prod(len(_windows(a, p)) for a, p in zip(self.axes, self.positions, strict=True))

    @property
    def column_blocks(self) -> int:
        """Blocks of columns: positions, of all groups."""
        return self.groups * prod(self.positions)

    @property
    def rows_of_column_block(self) -> int:
        """Blocks in use of each block of columns."""
        return prod(axis.kernel for axis in self.axes)

    @property
    def rows_by_columns(self) -> tuple[tuple[int, int], ...]:
        """Pairs: how many blocks a block of rows has in use, and how many blocks of rows of a group have so
        many."""
        return _rows_by_columns(self.axes, self.positions)

    @cached_property
    def uses(self) -> Array:
        """Whether a block is in use: bool [row blocks, column blocks]."""
        windows = np.ones((1, 1), bool)
        for axis, positions in zip(self.axes, self.positions, strict=True):
            windows = np.kron(windows, _windows(axis, positions))
        return np.kron(np.eye(self.groups, dtype=bool), windows)


@lru_cache(maxsize=1024)
def _windows(axis: Axis, positions: int) -> Array:
    """Whether the window of a position has a pixel, along one axis: bool [pixels, positions]."""
    taps = axis.taps(positions)
    windows = np.zeros((len(taps), positions), bool)
    for position, k in product(range(positions), range(axis.kernel)):
        windows[taps.index(axis.tap(position, k)), position] = True
    return windows


@lru_cache(maxsize=4096)
def _rows_by_columns(axes: tuple[Axis, ...], positions: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    counts = np.ones(1, int)
    for axis, size in zip(axes, positions, strict=True):
        counts = np.outer(counts, _windows(axis, size).sum(axis=1)).ravel()
    return tuple(Counter(counts.tolist()).items())


DENSE = Structure(1, (), ())
"""One block, in use."""

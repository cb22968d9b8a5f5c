"""Cells that are stuck: whatever is written, they stay at the lowest or the highest level."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from cimc.errors import CimcError
from cimc.runtime.analog.cells import Cells
from cimc.runtime.arrays import Array
from cimc.runtime.npz import load_npz


@dataclass(frozen=True)
class Faults:
    """The stuck cells of a crossbar, bool [rows, cols] each."""

    off: Array
    on: Array


def drawn_faults(cells: Cells, rows: int, cols: int, rng: Generator) -> Faults:
    """Each cell is stuck with the probabilities of `cells`, independently of the others."""
    chance = rng.random((rows, cols), np.float32)
    off = chance < cells.stuck_at_off
    return Faults(off, ~off & (chance < cells.stuck_at_off + cells.stuck_at_on))


def load_fault_map(path: str, crossbars: int, rows: int, cols: int) -> list[Faults]:
    """The stuck cells of each crossbar from an .npz file; `Cells.fault_map` says what is in it.

    Raises `CimcError` if the file cannot be read or holds something else.
    """
    try:
        found = load_npz(Path(path))
    except CimcError as e:
        raise CimcError(f"fault map {e}") from None
    maps: list[Array] = []
    for name in ("stuck_at_off", "stuck_at_on"):
        cells = found.get(name)
        if cells is None:
            raise CimcError(f"fault map {path}: holds no array {name!r}")
        if cells.shape != (crossbars, rows, cols) or cells.dtype != np.bool:
            raise CimcError(
                f"fault map {path}: {name!r} must be bool [{crossbars}, {rows}, {cols}] (crossbars, rows, "
                f"cols), got {cells.dtype} {list(cells.shape)}"
            )
        maps.append(cells)
    off, on = maps
    if np.any(off & on):
        raise CimcError(f"fault map {path}: a cell is stuck at off and at on")
    return [Faults(off[index], on[index]) for index in range(crossbars)]

"""All weights resident: how many copies of each layer's tiles stay in crossbars."""

from collections.abc import Sequence
from math import ceil

from cimc.schedule.work import LayerWork, Machine


def interval_ps(work: LayerWork, copies: int, machine: Machine) -> int:
    """How long an inference keeps the crossbars of a layer busy; a computed operand is written in each."""
    write = machine.write_ps if work.cells_after else 0
    return write + ceil(work.vectors / copies) * work.vector_ps


def replicate(works: Sequence[LayerWork], machine: Machine) -> list[int]:
    """The copies of each layer with which inferences follow each other fastest, by bisection.

    The slowest layer decides; no layer gets more copies than are needed not to be slower. There must be
    enough crossbars for one copy of each tile.
    """
    low = max((interval_ps(work, work.vectors, machine) for work in works), default=0)
    high = max((interval_ps(work, 1, machine) for work in works), default=0)
    while low < high:
        middle = (low + high) // 2
        copies = _copies(works, machine, middle)
        if sum(n * work.tiles for n, work in zip(copies, works, strict=True)) <= machine.crossbars:
            high = middle
        else:
            low = middle + 1
    return _copies(works, machine, high)


def _copies(works: Sequence[LayerWork], machine: Machine, limit_ps: int) -> list[int]:
    """The fewest copies of each layer with which an inference takes no longer than a limit."""
    copies: list[int] = []
    for work in works:
        write = machine.write_ps if work.cells_after else 0
        vectors = (limit_ps - write) // work.vector_ps
        copies.append(ceil(work.vectors / vectors))
    return copies

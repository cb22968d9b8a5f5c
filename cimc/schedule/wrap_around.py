"""One layer on several crossbars: McNaughton's wrap-around rule, with a write before each piece.

R. McNaughton, Scheduling with deadlines and loss functions, Management Science 6(1), 1959: work that can be
divided fills one machine after the other up to a common end; what is left of a tile goes on on the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from cimc.schedule.work import LayerWork


@dataclass(frozen=True)
class Piece:
    """Every `step`-th of the vectors from `first` up to `last` of a tile, on a copy in a crossbar."""

    tile: int
    first: int
    last: int
    crossbar: int
    step: int = 1


@dataclass(frozen=True)
class Slot:
    """A crossbar that can stream the first vector of a layer from `start_ps` on, its tile written."""

    start_ps: int
    crossbar: int


def earliest_end_ps(work: LayerWork, slots: Sequence[Slot], write_ps: int) -> int:
    """The earliest common end at which the slots, in their order, hold the layer."""
    starts = [slot.start_ps for slot in slots]
    unit = gcd(work.vector_ps, write_ps, *starts)  # all times are multiples of it
    low = min(starts) // unit
    high = low + (work.mvm_ps + work.tiles * write_ps) // unit
    while low < high:
        middle = (low + high) // 2
        if _fits(work, starts, write_ps, middle * unit):
            high = middle
        else:
            low = middle + 1
    return high * unit


def _fits(work: LayerWork, starts: Sequence[int], write_ps: int, end_ps: int) -> bool:
    """Whether all vectors of all tiles are through by a time."""
    tiles, left = work.tiles, work.vectors
    tile_ps = work.vectors * work.vector_ps
    for start in starts:
        taken = min(left, (end_ps - start) // work.vector_ps)
        if taken <= 0:
            continue
        left -= taken
        if left:
            continue
        time = end_ps - start - taken * work.vector_ps
        whole = min(tiles - 1, time // (write_ps + tile_ps))
        tiles, left = tiles - 1 - whole, work.vectors
        if not tiles:
            return True
        time -= whole * (write_ps + tile_ps)
        left -= max(0, (time - write_ps) // work.vector_ps)
    return False


def wrap_around(work: LayerWork, slots: Sequence[Slot], write_ps: int) -> list[Piece]:
    """The pieces of a layer, crossbar by crossbar, tile by tile, so that it ends as early as it can."""
    end_ps = earliest_end_ps(work, slots, write_ps)
    pieces: list[Piece] = []
    tile, first = 0, 0
    for slot in slots:
        time = slot.start_ps
        while tile < work.tiles:
            last = min(work.vectors, first + (end_ps - time) // work.vector_ps)
            if last <= first:
                break
            pieces.append(Piece(tile, first, last, slot.crossbar))
            time += (last - first) * work.vector_ps + write_ps
            tile, first = (tile + 1, 0) if last == work.vectors else (tile, last)
    assert tile == work.tiles, "the end was chosen so that everything fits"
    return pieces

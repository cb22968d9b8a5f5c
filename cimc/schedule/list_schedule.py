"""Layer after layer, each on the crossbars that are free first."""

from collections.abc import Sequence
from dataclasses import dataclass

from cimc.schedule.work import LayerWork, Machine
from cimc.schedule.wrap_around import Piece, Slot, wrap_around


@dataclass(frozen=True)
class Schedule:
    """What crossbars do: the pieces of each layer, in the order in which each crossbar takes its own."""

    pieces: tuple[tuple[Piece, ...], ...]
    end_ps: int

    @property
    def writes(self) -> tuple[int, ...]:
        """Tiles that are written for each layer, copies included."""
        return tuple(len(pieces) for pieces in self.pieces)


def sequential(works: Sequence[LayerWork], machine: Machine) -> Schedule:
    """Tile after tile on crossbar 0, as in the paper."""
    pieces = tuple(tuple(Piece(tile, 0, w.vectors, 0) for tile in range(w.tiles)) for w in works)
    return Schedule(pieces, sum(w.mvm_ps + w.tiles * machine.write_ps for w in works))


def list_schedule(works: Sequence[LayerWork], counts: Sequence[int], machine: Machine) -> Schedule:
    """Each layer on as many crossbars as `counts` says, its writes before its vectors are there."""
    free = [0] * machine.crossbars
    ends: list[int] = []
    schedule: list[tuple[Piece, ...]] = []
    for work, count in zip(works, counts, strict=True):
        pieces = next_pieces(work, count, free, ends, machine.write_ps)
        ends.append(max(free[piece.crossbar] for piece in pieces))
        schedule.append(tuple(pieces))
    return Schedule(tuple(schedule), max(ends, default=0))


def next_pieces(
    work: LayerWork, count: int, free: list[int], ends: Sequence[int], write_ps: int
) -> list[Piece]:
    """The next layer, when those before end at `ends`; `free`, when each crossbar is, moves on.

    Of the crossbars, those that can stream first are taken; of these, those that were busy last, so that the
    others have time for the writes of the next layer.
    """
    vectors_ps = max((ends[i] for i in work.vectors_after), default=0)
    cells_ps = max((ends[i] for i in work.cells_after), default=0)
    starts = [max(max(time, cells_ps) + write_ps, vectors_ps) for time in free]
    order = sorted((start, -time, c) for c, (start, time) in enumerate(zip(starts, free, strict=True)))
    useful = min(count, work.tiles * work.vectors)
    pieces = wrap_around(work, [Slot(start, c) for start, _, c in order[:useful]], write_ps)
    writing: set[int] = set()
    for piece in pieces:
        c = piece.crossbar
        before = free[c] + write_ps if c in writing else starts[c]
        free[c] = before + (piece.last - piece.first) * work.vector_ps
        writing.add(c)
    return pieces

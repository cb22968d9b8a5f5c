"""Tiles that stay in crossbars of their own."""

from collections.abc import Sequence

from cimc.errors import CimcError
from cimc.schedule.replicate import interval_ps, replicate
from cimc.schedule.work import LayerWork, Machine
from cimc.schedule.wrap_around import Piece


def resident_pieces(works: Sequence[LayerWork], counts: Sequence[int]) -> tuple[tuple[Piece, ...], ...]:
    """Copies of each tile in crossbars of their own, for each layer as many crossbars as `counts` says.

    Copies take the vectors in turn, so that all of them begin early. Raises `CimcError` if the crossbars of a
    layer are not as many for each tile.
    """
    pieces: list[tuple[Piece, ...]] = []
    first = 0
    for work, count in zip(works, counts, strict=True):
        pieces.append(_of_layer(work, count, first))
        first += count
    return tuple(pieces)


def _of_layer(work: LayerWork, crossbars: int, first_crossbar: int) -> tuple[Piece, ...]:
    copies, rest = divmod(crossbars, work.tiles)
    if rest or not 1 <= copies <= work.vectors:
        raise CimcError(
            f"layer {work.name!r} streams {work.vectors} vectors through {work.tiles} resident tiles: its "
            f"crossbars must be 1 to {work.vectors} for each tile, got {crossbars} in all"
        )
    return tuple(
        Piece(tile, copy, work.vectors, first_crossbar + tile * copies + copy, copies)
        for tile in range(work.tiles)
        for copy in range(copies)
    )


def slowest_ps(works: Sequence[LayerWork], machine: Machine) -> int:
    """How long the slowest layer takes in the best replication; in any other, one takes as long or longer."""
    copies = replicate(works, machine)
    return max((interval_ps(w, n, machine) for w, n in zip(works, copies, strict=True)), default=0)

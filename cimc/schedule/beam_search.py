"""How many crossbars each layer gets, by a beam search over list schedules.

Layer by layer, each kept schedule of the layers so far goes on with several counts, and of what comes out the
cheapest are kept. Its price weighs time against work, as the lower bound does: when the last layer ends, and
when crossbars are free on average.

A few counts to choose from leave room for schedules that differ, many for schedules that are close to each
other; both are tried, with a few weights each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cimc.schedule.allot import allot, rank
from cimc.schedule.list_schedule import list_schedule, next_pieces
from cimc.schedule.work import LayerWork, Machine

_PARTS = (4, 16)
"""The counts to choose from are multiples of such a part of the crossbars."""
_WEIGHTS = (3, 4, 5)
"""Of time against work, in eighths."""
_WIDEST = 64
_EFFORT = 400_000
"""Crossbars and tiles that one of the searches looks at, again and again: some seconds."""


@dataclass(frozen=True)
class _Begun:
    """A schedule of the first layers."""

    free: tuple[int, ...]
    """When crossbars are free, in ascending order: which is which makes no difference."""
    ends: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    def then(self, work: LayerWork, count: int, machine: Machine) -> "_Begun":
        """The same with the next layer on so many crossbars."""
        free = list(self.free)
        pieces = next_pieces(work, count, free, self.ends, machine.write_ps)
        end = max(free[piece.crossbar] for piece in pieces)
        return _Begun(tuple(sorted(free)), (*self.ends, end), (*self.counts, count))

    def price(self, weight: int) -> int:
        return weight * len(self.free) * max(self.ends) + (8 - weight) * sum(self.free)


def beam_search(works: Sequence[LayerWork], machine: Machine, effort: int = _EFFORT) -> list[int]:
    """Crossbars of each layer: never worse than those of `allot`, which are taken if effort is too little.

    The same input gives the same counts on every machine.
    """
    first = best = allot(works, machine)
    if not works:
        return best
    schedule = list_schedule(works, best, machine)
    for parts in sorted({min(parts, machine.crossbars) for parts in _PARTS}):
        choices = [_choices(work, count, parts, machine) for work, count in zip(works, first, strict=True)]
        pairs = zip(works, choices, strict=True)
        once = sum((machine.crossbars + work.tiles) * len(counts) for work, counts in pairs)
        width = min(_WIDEST, effort // once)
        for weight in _WEIGHTS if width else ():
            counts = _search(works, choices, machine, weight, width)
            found = list_schedule(works, counts, machine)
            if rank(found) < rank(schedule):
                best, schedule = counts, found
    return best


def _choices(work: LayerWork, count: int, parts: int, machine: Machine) -> list[int]:
    """Equal parts of the crossbars, what `allot` found, and a crossbar for each tile."""
    most = machine.crossbars
    equal = {round(most * part / parts) for part in range(1, parts + 1)}
    return sorted(equal | {count, min(most, work.tiles)})


def _search(
    works: Sequence[LayerWork], choices: Sequence[Sequence[int]], machine: Machine, weight: int, width: int
) -> list[int]:
    kept = [_Begun((0,) * machine.crossbars)]
    for work, counts in zip(works, choices, strict=True):
        longer = {
            (begun.free, begun.ends): begun
            for begun in (before.then(work, count, machine) for before in kept for count in counts)
        }
        kept = sorted(longer.values(), key=lambda begun: (begun.price(weight), begun.counts))[:width]
    return list(min(kept, key=lambda begun: max(begun.ends)).counts)

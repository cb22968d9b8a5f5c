"""How many crossbars each layer gets.

A layer on fewer crossbars takes longer, but needs fewer copies, and leaves crossbars into which the next
layer's tiles can be written meanwhile. With a weight k of time against work, as in the lower bound, the best
time of a layer alone is sqrt((1 - k) * write * W / (k * P)); a few weights are tried, then single layers are
changed as long as that helps.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil, sqrt

from cimc.schedule.bound import lower_bound_ps
from cimc.schedule.list_schedule import Schedule, list_schedule
from cimc.schedule.work import LayerWork, Machine

_WEIGHTS = tuple(i / 16 for i in (8, 4, 12, 2, 6, 10, 14, 1, 3, 5, 7, 9, 11, 13, 15))
_FACTORS = (0.5, 0.75, 0.9, 1.1, 1.5, 2.0)
_ROUNDS = 3
_CROSSBARS = 400_000
"""Crossbars that all weights together look at; some weights are left out where there are very many."""
_PIECES = 150_000
"""Pieces of all the schedules that are tried when single layers are changed: about half a second."""


def allot(works: Sequence[LayerWork], machine: Machine) -> list[int]:
    """Crossbars of each layer, for a schedule that is as short as some trying finds."""
    best = [machine.crossbars] * len(works)
    if machine.crossbars == 1:
        return best
    schedule = list_schedule(works, best, machine)
    if schedule.end_ps == lower_bound_ps(works, machine):
        return best
    once = machine.crossbars * len(works)
    for counts in islice(_candidates(works, machine), max(1, _CROSSBARS // once)):
        found = list_schedule(works, counts, machine)
        if rank(found) < rank(schedule):
            best, schedule = counts, found
    budget = _PIECES
    for _ in range(_ROUNDS):
        before = schedule.end_ps
        for index in range(len(works)):
            for counts in _changed(best, index, machine):
                found = list_schedule(works, counts, machine)
                budget -= sum(found.writes) + machine.crossbars * len(works)
                if rank(found) < rank(schedule):
                    best, schedule = counts, found
                if budget < 0:
                    return best
        if schedule.end_ps == before:
            break
    return best


def rank(schedule: Schedule) -> tuple[int, int]:
    """Shorter is better, and of equally long ones that with fewer writes."""
    return schedule.end_ps, sum(schedule.writes)


def _candidates(works: Sequence[LayerWork], machine: Machine) -> Iterator[list[int]]:
    for k in _WEIGHTS:
        ratio = machine.write_ps * (1 - k) / (k * machine.crossbars)
        times = [sqrt(ratio * work.mvm_ps) for work in works]
        yield [
            max(1, min(machine.crossbars, ceil(work.mvm_ps / t) if t else 1))
            for work, t in zip(works, times, strict=True)
        ]


def _changed(counts: Sequence[int], index: int, machine: Machine) -> Iterator[list[int]]:
    tried = {counts[index]}
    for factor in _FACTORS:
        count = max(1, min(machine.crossbars, round(counts[index] * factor)))
        if count not in tried:
            tried.add(count)
            yield [*counts[:index], count, *counts[index + 1 :]]

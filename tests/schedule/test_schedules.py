"""Schedules of random layers: complete, possible, as long as they say, and never shorter than the bound."""

from collections import defaultdict
from itertools import product
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.streaming import stream
from cimc.schedule.allot import allot, rank
from cimc.schedule.beam_search import beam_search
from cimc.schedule.bound import lower_bound_ps
from cimc.schedule.list_schedule import Schedule, list_schedule, sequential
from cimc.schedule.replicate import interval_ps, replicate
from cimc.schedule.resident import resident_pieces
from cimc.schedule.work import LayerWork, Machine


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    return Machine(draw(st.integers(1, 9)), draw(st.integers(1, 60)))


@st.composite
def networks(draw: st.DrawFn, most: int = 6) -> list[LayerWork]:
    """Layers that depend on some of those before, some of them with a computed operand."""
    works: list[LayerWork] = []
    for index in range(draw(st.integers(1, most))):
        before = st.frozensets(st.integers(0, index - 1), max_size=2) if index else st.just(frozenset[int]())
        tiles, vectors, time = draw(st.integers(1, 7)), draw(st.integers(1, 20)), draw(st.integers(1, 9))
        works.append(LayerWork(str(index), tiles, vectors, time, draw(before), draw(before)))
    return works


def replayed_ps(works: list[LayerWork], schedule: Schedule, machine: Machine) -> int:
    """When everything has ended: vector by vector, each thing as soon as it can."""
    free: dict[int, int] = defaultdict(int)
    ends: list[int] = []
    for work, pieces in zip(works, schedule.pieces, strict=True):
        vectors_ps = max((ends[i] for i in work.vectors_after), default=0)
        cells_ps = max((ends[i] for i in work.cells_after), default=0)
        for piece in pieces:
            time = max(max(free[piece.crossbar], cells_ps) + machine.write_ps, vectors_ps)
            for _ in range(piece.first, piece.last):
                time += work.vector_ps
            free[piece.crossbar] = time
        ends.append(max(free[piece.crossbar] for piece in pieces))
    return max(ends)


def check(works: list[LayerWork], schedule: Schedule, machine: Machine) -> None:
    for work, pieces in zip(works, schedule.pieces, strict=True):
        done = sorted((p.tile, v) for p in pieces for v in range(p.first, p.last))
        assert done == list(product(range(work.tiles), range(work.vectors)))
        assert all(0 <= p.crossbar < machine.crossbars for p in pieces)
    assert schedule.end_ps == replayed_ps(works, schedule, machine)
    assert schedule.end_ps >= lower_bound_ps(works, machine)


@given(networks(), machines(), st.data())
def test_list_schedules_are_right_for_any_counts(
    works: list[LayerWork], machine: Machine, data: st.DataObject
) -> None:
    counts = [data.draw(st.integers(1, machine.crossbars)) for _ in works]
    check(works, list_schedule(works, counts, machine), machine)


@given(networks(), machines())
def test_allotted_schedules_are_no_longer_than_on_all_crossbars(
    works: list[LayerWork], machine: Machine
) -> None:
    found = list_schedule(works, allot(works, machine), machine)
    check(works, found, machine)
    assert found.end_ps <= list_schedule(works, [machine.crossbars] * len(works), machine).end_ps


@given(networks(), machines(), st.integers(0, 3000))
def test_searched_schedules_are_never_worse_than_allotted_ones(
    works: list[LayerWork], machine: Machine, effort: int
) -> None:
    found = list_schedule(works, beam_search(works, machine, effort), machine)
    check(works, found, machine)
    assert rank(found) <= rank(list_schedule(works, allot(works, machine), machine))


@given(networks(most=3), st.integers(1, 4), st.integers(1, 60))
def test_a_search_that_drops_nothing_finds_the_best_counts(
    works: list[LayerWork], crossbars: int, write_ps: int
) -> None:
    machine = Machine(crossbars, write_ps)
    everything = product(range(1, crossbars + 1), repeat=len(works))
    shortest = min(list_schedule(works, counts, machine).end_ps for counts in everything)
    assert list_schedule(works, beam_search(works, machine), machine).end_ps == shortest


def test_a_search_of_a_network_without_layers_finds_nothing_to_do() -> None:
    assert beam_search([], Machine(4, 50)) == []


@given(networks(), st.integers(1, 60))
def test_one_crossbar_is_never_idle(works: list[LayerWork], write_ps: int) -> None:
    machine = Machine(1, write_ps)
    work_ps = sum(w.tiles * (write_ps + w.vectors * w.vector_ps) for w in works)
    assert lower_bound_ps(works, machine) == work_ps
    for schedule in (list_schedule(works, allot(works, machine), machine), sequential(works, machine)):
        check(works, schedule, machine)
        assert schedule.end_ps == work_ps


@given(networks(most=1), machines())
def test_one_layer_is_divided_as_well_as_can_be(works: list[LayerWork], machine: Machine) -> None:
    """A crossbar takes a write and its share of the vectors; with a vector each, that is all."""
    (work,) = works
    found = list_schedule(works, [machine.crossbars], machine).end_ps

    shortest = machine.write_ps + ceil(work.tiles * work.vectors / machine.crossbars) * work.vector_ps
    assert found >= shortest
    if machine.crossbars >= work.tiles * work.vectors:
        assert found == shortest


def test_the_bound_counts_copies() -> None:
    """A chain on many crossbars: the path alone, or the work alone, says less than both together."""
    works = [LayerWork(str(i), 1, 64, 1, frozenset({i - 1} if i else ())) for i in range(20)]
    machine = Machine(16, 56)
    bound = lower_bound_ps(works, machine)
    path_alone = machine.write_ps + sum(w.shortest_ps(16) for w in works)
    work_alone = sum(w.mvm_ps + w.tiles * machine.write_ps for w in works) / 16
    assert bound > 1.2 * max(path_alone, work_alone)
    best = list_schedule(works, allot(works, machine), machine)
    assert bound <= best.end_ps <= 1.25 * bound


@pytest.mark.parametrize("crossbars", [2, 4])
def test_fewer_crossbars_than_all_can_be_better(crossbars: int) -> None:
    """Short layers: while one runs on half of the crossbars, the next is written into the others."""
    works = [LayerWork(str(i), 1, 8, 1, frozenset({i - 1} if i else ())) for i in range(10)]
    machine = Machine(crossbars, 50)
    everywhere = list_schedule(works, [crossbars] * len(works), machine)
    found = list_schedule(works, allot(works, machine), machine)
    assert found.end_ps < everywhere.end_ps


@given(networks(), st.integers(0, 40), st.integers(1, 60))
def test_replication_is_the_best_there_is(works: list[LayerWork], spare: int, write_ps: int) -> None:
    """Against trying: the smallest interval for which the copies that it takes fit."""
    machine = Machine(sum(w.tiles for w in works) + spare, write_ps)
    copies = replicate(works, machine)
    assert sum(n * w.tiles for n, w in zip(copies, works, strict=True)) <= machine.crossbars
    found = max(interval_ps(w, n, machine) for w, n in zip(works, copies, strict=True))

    def crossbars(limit: int) -> int:
        """How many crossbars it takes to be faster."""
        needed = 0
        for work in works:
            fitting = [n for n in range(1, work.vectors + 1) if interval_ps(work, n, machine) < limit]
            needed += work.tiles * min(fitting, default=10**9)
        return needed

    assert crossbars(found) > machine.crossbars
    assert all(1 <= n <= w.vectors for n, w in zip(copies, works, strict=True))


@given(networks(), st.integers(0, 40))
def test_resident_pieces_have_crossbars_of_their_own(works: list[LayerWork], spare: int) -> None:
    machine = Machine(sum(w.tiles for w in works) + spare, 5)
    counts = [n * w.tiles for n, w in zip(replicate(works, machine), works, strict=True)]
    pieces = resident_pieces(works, counts)
    used = [piece.crossbar for of_layer in pieces for piece in of_layer]
    assert used == list(range(sum(counts)))
    for work, of_layer in zip(works, pieces, strict=True):
        done = sorted((p.tile, v) for p in of_layer for v in range(p.first, p.last, p.step))
        assert done == list(product(range(work.tiles), range(work.vectors)))


def test_vectors_stream_as_soon_as_they_are_there() -> None:
    there = np.array([0, 3, 4, 30, 31])
    assert stream(there, 5, 4).tolist() == [9, 13, 17, 34, 38]

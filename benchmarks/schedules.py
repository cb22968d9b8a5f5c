"""Schedules on several crossbars: `list`, `optimal`, and a constraint solver on the textbook model.

    python benchmarks/schedules.py POLICIES.json [--policies NAME ...] [--crossbars N ...] [--effort E]

The solver (OR-tools' CP-SAT, `cimc[optimal]`) has a task a layer, whose mode is the number of
crossbars: they are taken from the write before the first vector until the last, all at a time. Its
hint is the `list` schedule. That is what it proves to be optimal: crossbars that join a layer late,
after a write of their own, are not in the model. "best list" is the shortest list schedule with
numbers of crossbars that the solver came across. E is its limit, in its own deterministic seconds.
"""

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any

from mapping import CACHE, Network, Policy, ms, read_policies, table
from ortools.sat.python import cp_model

from cimc.layer_work import works_of_layers
from cimc.schedule.allot import allot
from cimc.schedule.beam_search import beam_search
from cimc.schedule.bound import lower_bound_ps
from cimc.schedule.list_schedule import list_schedule
from cimc.schedule.work import LayerWork, Machine
from cimc.schedule.wrap_around import Slot, earliest_end_ps

HEADLINES = [f"{name}-both_constraints-acc05-rcell4" for name in ("resnet18", "vgg16", "vitb32")]


def works_of(network: Network) -> list[LayerWork]:
    return [work for _, work in works_of_layers(network.ctx, network.module)]


class Solved(cp_model.CpSolverSolutionCallback):
    """The shortest list schedule with the counts of any solution."""

    def __init__(self, works: Sequence[LayerWork], machine: Machine, modes: Sequence[dict[int, Any]]) -> None:
        super().__init__()
        self.works, self.machine, self.modes = works, machine, modes
        self.best_list_ps: int | None = None

    def on_solution_callback(self) -> None:
        counts = [next(n for n, chosen in m.items() if self.boolean_value(chosen)) for m in self.modes]
        found = list_schedule(self.works, counts, self.machine).end_ps
        self.best_list_ps = min(found, self.best_list_ps or found)


def solve(
    works: Sequence[LayerWork], machine: Machine, hint: Sequence[int], effort: float
) -> tuple[str, ...]:
    """What the solver says, its makespan, and the best list schedule that it came across."""
    unit = gcd(machine.write_ps, *(work.vector_ps for work in works))
    write = machine.write_ps // unit
    horizon = 2 * list_schedule(works, hint, machine).end_ps // unit
    model = cp_model.CpModel()
    ends: list[Any] = []
    modes: list[dict[int, Any]] = []
    intervals: list[Any] = []
    demands: list[int] = []
    makespan = model.new_int_var(0, horizon, "")
    for work, hinted in zip(works, hint, strict=True):
        start, end = model.new_int_var(write, horizon, ""), model.new_int_var(0, horizon, "")
        counts = {c for k in range(12) for c in (1 << k, 3 << k)} | {machine.crossbars, hinted}
        chosen: dict[int, Any] = {}
        for count in sorted(c for c in counts if c <= machine.crossbars):
            slots = [Slot(0, crossbar) for crossbar in range(count)]
            duration = earliest_end_ps(work, slots, machine.write_ps) // unit
            chosen[count] = model.new_bool_var("")
            model.add_hint(chosen[count], count == hinted)
            model.add(end == start + duration).only_enforce_if(chosen[count])
            taken = model.new_optional_interval_var(start - write, duration + write, end, chosen[count], "")
            intervals.append(taken)
            demands.append(count)
        model.add_exactly_one(chosen.values())
        for layer in work.vectors_after:
            model.add(start >= ends[layer])
        for layer in work.cells_after:
            model.add(start >= ends[layer] + write)
        model.add(makespan >= end)
        ends.append(end)
        modes.append(chosen)
    model.add_cumulative(intervals, demands, machine.crossbars)
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = effort
    solved = Solved(works, machine, modes)
    status = solver.status_name(solver.solve(model, solved)).lower()
    if solved.best_list_ps is None:
        return status, "-", "-"
    return status, ms(solver.objective_value * unit), ms(solved.best_list_ps)


def row(policy: Policy, works: Sequence[LayerWork], machine: Machine, effort: float) -> list[str]:
    times: list[float] = [time.perf_counter()]
    found: list[int] = []
    for search in (allot, beam_search):
        counts = search(works, machine)
        found.append(list_schedule(works, counts, machine).end_ps)
        times.append(time.perf_counter())
    solved = solve(works, machine, allot(works, machine), effort)
    times.append(time.perf_counter())
    seconds = " / ".join(f"{b - a:.1f}" for a, b in pairwise(times))
    bound = lower_bound_ps(works, machine)
    return [policy.network, str(machine.crossbars), *map(ms, found), *solved, ms(bound), seconds]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="POLICIES.json")
    parser.add_argument("--policies", nargs="+", metavar="NAME", default=HEADLINES)
    parser.add_argument("--crossbars", nargs="+", type=int, metavar="N", default=[4, 16, 64])
    parser.add_argument("--effort", type=float, metavar="E", default=20.0)
    args = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    rows: list[list[str]] = []
    for policy in read_policies(args.file, CACHE):
        if policy.name in args.policies:
            network = policy.mapped("any")
            for crossbars in args.crossbars:
                machine = Machine(crossbars, 56_000_000)
                rows.append(row(policy, works_of(network), machine, args.effort))
    header = ("network", "P", "list", "optimal", "CP-SAT", "its model", "best list", "bound", "seconds")
    print("\n".join(table(header, rows)))


if __name__ == "__main__":
    main()

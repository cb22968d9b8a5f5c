"""The agents of the search against each other, on the same evaluator.

    OMP_NUM_THREADS=1 python benchmarks/search.py MODEL.onnx DATA.npz --log FOLDER [--cells 4 2] [--seeds 3]
                                                  [--agents NAME ...] [-o OUT.md]

Each agent searches for policies that lose at most 0.5, 1, 2 and 4 points of top-1, in the cost model of the
paper (-O0) on 4-bit and 2-bit cells, whose weights have the widths that fill whole cells. Evaluations are
quick ones, without training, on 1,000 pictures kept back from training; they are kept in FOLDER and shared
by agents, seeds and runs, so that the command can be stopped and started again. DDPG makes 600 evaluations
for each budget, the others 200 for all together. Printed are, after some evaluations, the mean over seeds of
the best speedup whose measured drop is within the budget, and in brackets its drop on 4,000 test pictures;
and how fast the policies of an agent's front are that lose so much on the test pictures.
"""

import sys
from collections.abc import Sequence
from statistics import mean

from search_bench import BUDGETS, SHARED, Bench, Run, best, parser, run, show

from cimc.rl.agents.make import AGENTS, AgentName
from cimc.rl.selection import front, judged
from cimc.tools.search_command import quiet

EPISODES = 600
"""Evaluations of DDPG for each budget."""


def runs_of(bench: Bench, name: AgentName, seed: int, label: str) -> dict[float, Run]:
    """The run for each budget: one for all, but for DDPG, which cannot."""
    if name != "ddpg":
        one = run(bench, bench.agent(name, BUDGETS, SHARED, seed), SHARED, label)
        return dict.fromkeys(BUDGETS, one)
    return {
        budget: run(bench, bench.agent(name, (budget,), EPISODES, seed), EPISODES, f"{label} {budget}")
        for budget in BUDGETS
    }


def cell(bench: Bench, by_seed: Sequence[dict[float, Run]], budget: float, count: int) -> str:
    """The mean speedup, and the mean drop on test pictures."""
    found = [best(bench, runs[budget].evaluations[:count], budget) for runs in by_seed]
    if any(e is None for e in found):
        return "-"
    known = [e.choices for e in found if e is not None]
    speedup = mean(bench.problem.space.speedup(choices) for choices in known)
    return f"{speedup:.2f} [{mean(bench.test_drop(choices) for choices in known):.2f}]"


def at_test_drop(bench: Bench, by_seed: Sequence[dict[float, Run]], budget: float) -> str:
    """The mean over seeds of the fastest policy of the front that loses so much on the test pictures."""
    space = bench.problem.space
    speedups: list[float] = []
    for runs in by_seed:
        unique = {e.choices: e for one in runs.values() for e in one.evaluations}
        line = front(judged(space, list(unique.values())))
        fast = (one.speedup for one in line if bench.test_drop(one.evaluation.choices) <= budget)
        speedups.append(max(fast, default=1.0))
    return f"{mean(speedups):.2f}"


def table(bench: Bench, agents: Sequence[AgentName], seeds: int, title: str) -> list[str]:
    """The table of a network on a target, in Markdown."""
    columns = " | ".join(f"{budget:g}" for budget in BUDGETS)
    lines = [
        f"### {title}",
        "",
        f"| agent | evaluations | {columns} | agent's seconds an evaluation |",
        f"| --- | --- | {' | '.join(['---:'] * len(BUDGETS))} | ---: |",
    ]
    fronts: list[str] = []
    for name in agents:
        by_seed = [runs_of(bench, name, seed, f"{title} {name} {seed}") for seed in range(seeds)]
        each = "a budget" if name == "ddpg" else "in all"
        most = max(len(one.evaluations) for runs in by_seed for one in runs.values())
        runs = [one for by_budget in by_seed for one in {id(r): r for r in by_budget.values()}.values()]
        seconds = sum(r.seconds for r in runs) / sum(len(r.evaluations) for r in runs)
        counts = [count for count in (25, 50, 100, 200, 400, 600) if count < most] + [most]
        for count in counts:
            cells = " | ".join(cell(bench, by_seed, budget, count) for budget in BUDGETS)
            last = f"{seconds:.3f}" if count == most else ""
            lines.append(f"| {name} | {count} {each} | {cells} | {last} |")
        at_drop = " | ".join(at_test_drop(bench, by_seed, budget) for budget in BUDGETS)
        fronts.append(f"| {name} | fronts, by test drop | {at_drop} | |")
        print("\n".join([*lines, *fronts]), file=sys.stderr, flush=True)
    return [*lines, *fronts, ""]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--agents", nargs="+", choices=AGENTS, default=AGENTS)
    args = arguments.parse_args()
    quiet()
    lines: list[str] = []
    for cell_bits in args.cells:
        bench = Bench(args.model, args.data, cell_bits, args.log)
        lines += table(bench, args.agents, args.seeds, f"{args.model.stem}, {cell_bits}-bit cells")
    show(lines, args.output)


if __name__ == "__main__":
    main()

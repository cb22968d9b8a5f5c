"""What it is worth to search with the compiler's own cost.

    OMP_NUM_THREADS=1 python benchmarks/cosearch.py MODEL.onnx DATA.npz --log FOLDER [--cells 4 2] [--seeds 3]
                                                    [--agent NAME] [-o OUT.md]

Searched are policies as in search.py that lose at most 0.5, 1, 2 and 4 points of top-1, with 200 evaluations:

- `paper`: in the cost model of the paper (-O0), with weights that fill whole cells;
- `paper, compiled to ...`: the same policies, compiled with -O1 to hard pairs (--mapping differential-column)
  and to any mapping (--mapping any);
- `pairs, hard pairs`: with the cost of -O1 and hard pairs, and weights that fill them ({5,8} or {3,5,7,8});
- `pairs, any mapping` and `all, any mapping`: with the cost of any mapping, and these weights or those of any
  width.

Speedups are over 8/8 with -O0, means over seeds of the best policy whose measured drop is within the budget;
in brackets is its drop on 4,000 test pictures.
"""

import sys
from pathlib import Path
from statistics import mean
from typing import Any

from search_bench import BUDGETS, SHARED, Bench, best, parser, run, show

from cimc.pipelines import Options
from cimc.rl.agents.make import AGENTS, DEFAULT_AGENT, AgentName
from cimc.rl.costs import report_for
from cimc.rl.space import Choices
from cimc.tools.search_command import quiet

HARD = Options(opt_level=1, mapping="differential-column")
ANY = Options(opt_level=1, mapping="any")


def compiled_speedup(bench: Bench, mapping: Options, choices: Choices) -> float:
    """Of a policy that is compiled otherwise than it was searched for."""
    problem = bench.problem
    total: Any = report_for(problem.ctx, problem.module, mapping, problem.space.policy(choices))["total"]
    return float(total["speedup"])


def found(bench: Bench, agent: AgentName, seed: int, label: str) -> list[Choices]:
    """The best policy for each budget."""
    evaluations = run(bench, bench.agent(agent, BUDGETS, SHARED, seed), SHARED, label).evaluations
    each = [best(bench, evaluations, budget) for budget in BUDGETS]
    return [bench.problem.space.widest if one is None else one.choices for one in each]


def row(name: str, speedups: list[list[float]], drops: list[list[float]]) -> str:
    """A line of the table, of values by seed and budget."""
    cells = (
        f"{mean(s):.2f} [{mean(d):.2f}]"
        for s, d in zip(zip(*speedups, strict=True), zip(*drops, strict=True), strict=True)
    )
    return f"| {name} | {' | '.join(cells)} |"


def table(model: Path, data: Path, cell_bits: int, folder: Path, agent: AgentName, seeds: int) -> list[str]:
    """The table of a network on a target, in Markdown."""
    lines = [
        f"### {model.stem}, {cell_bits}-bit cells, agent {agent}, {seeds} seeds",
        "",
        f"| search | {' | '.join(f'{budget:g}' for budget in BUDGETS)} |",
        f"| --- | {' | '.join(['---:'] * len(BUDGETS))} |",
    ]
    for name, weight_bits, mapping in (
        ("paper", "multiples", None),
        ("pairs, hard pairs", "pairs", HARD),
        ("pairs, any mapping", "pairs", ANY),
        ("all, any mapping", "all", ANY),
    ):
        bench = Bench(model, data, cell_bits, folder, weight_bits, mapping)
        policies = [found(bench, agent, seed, f"{name} {seed}") for seed in range(seeds)]
        drops = [[bench.test_drop(choices) for choices in one] for one in policies]
        lines.append(
            row(name, [[bench.problem.space.speedup(choices) for choices in one] for one in policies], drops)
        )
        for to, other in (("hard pairs", HARD), ("any mapping", ANY)) if mapping is None else ():
            compiled = [[compiled_speedup(bench, other, choices) for choices in one] for one in policies]
            lines.append(row(f"paper, compiled to {to}", compiled, drops))
        print("\n".join(lines), file=sys.stderr, flush=True)
    return [*lines, ""]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--agent", choices=AGENTS, default=DEFAULT_AGENT)
    args = arguments.parse_args()
    quiet()
    lines: list[str] = []
    for cell_bits in args.cells:
        lines += table(args.model, args.data, cell_bits, args.log, args.agent, args.seeds)
    show(lines, args.output)


if __name__ == "__main__":
    main()

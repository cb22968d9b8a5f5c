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

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch

from cimc.pipelines import Options
from cimc.rl.agents.make import AGENTS, AgentName, AgentTask, make_agent
from cimc.rl.constraints import Constraints, weight_widths
from cimc.rl.evaluation import Agent, Evaluation
from cimc.rl.log import EvaluationLog, fingerprint
from cimc.rl.network.evaluator import NetworkEvaluator, Pictures
from cimc.rl.network.scores import Reference, outputs_of
from cimc.rl.network.training import Training
from cimc.rl.problem import Problem, ProblemSpec
from cimc.rl.selection import front, judged
from cimc.rl.space import Choices
from cimc.target import load_target

BUDGETS = (0.5, 1.0, 2.0, 4.0)
SHARED = 200
"""Evaluations for all budgets together."""
EPISODES = 600
"""Evaluations of DDPG for each budget."""
VALIDATION, TEST, CALIBRATION, SENSITIVITY = 1000, 4000, 128, 64


class Bench:
    """A network on a target: evaluations on validation and on test pictures, each made once."""

    def __init__(self, model: Path, data: Path, cell_bits: int, folder: Path) -> None:
        target = load_target(f"rram-256x256-c{cell_bits}")
        constraints = Constraints(weight_widths("multiples", target))
        none = Training(0)
        spec = ProblemSpec(
            model,
            data,
            target,
            Options(opt_level=0),
            constraints,
            VALIDATION,
            CALIBRATION,
            SENSITIVITY,
            "measured",
            none,
            none,
            0,
        )
        self.problem = problem = Problem(spec)
        assert problem.data.test is not None
        x, y = (torch.from_numpy(part[:TEST]) for part in (problem.data.test.x, problem.data.test.y))
        inner = problem.evaluator
        test = Reference(outputs_of(problem.given, x), y)
        self._test = NetworkEvaluator(
            problem.network, test, problem.space, inner.statistics, Pictures(x, y), Pictures(x, y), {}, 0
        )
        identity = fingerprint(spec)
        folder.mkdir(parents=True, exist_ok=True)
        self._log = EvaluationLog(folder / f"{model.stem}-c{cell_bits}.jsonl", identity)
        self._test_log = EvaluationLog(folder / f"{model.stem}-c{cell_bits}-test.jsonl", identity)

    def evaluate(self, choices: Choices) -> Evaluation:
        """On the validation pictures."""
        return _logged(self._log, self.problem.evaluator, choices)

    def test_drop(self, choices: Choices) -> float:
        """Points of top-1 that are lost on the test pictures."""
        return _logged(self._test_log, self._test, choices).drop


def _logged(log: EvaluationLog, evaluator: NetworkEvaluator, choices: Choices) -> Evaluation:
    found = log.get(choices, "quick")
    if found is None:
        found = evaluator.evaluate(choices, "quick")
        log.add(found)
    return found


@dataclass(frozen=True)
class Run:
    """What an agent evaluated with a seed, in order, and the seconds that it took itself."""

    evaluations: list[Evaluation]
    seconds: float


def run(bench: Bench, agent: Agent, count: int, label: str) -> Run:
    """So many evaluations of an agent's proposals, four at a time."""
    done: list[Evaluation] = []
    seconds, shown = 0.0, time.perf_counter()
    while len(done) < count:
        start = time.perf_counter()
        proposals = agent.propose(min(4, count - len(done)))
        seconds += time.perf_counter() - start
        if not proposals:
            break
        evaluations = [bench.evaluate(proposal.choices) for proposal in proposals]
        start = time.perf_counter()
        agent.observe(evaluations)
        seconds += time.perf_counter() - start
        done += evaluations
        if time.perf_counter() - shown > 60:
            shown = time.perf_counter()
            print(f"{label}: {len(done)}", file=sys.stderr, flush=True)
    return Run(done, seconds)


def task(bench: Bench, budgets: tuple[float, ...], evaluations: int, seed: int) -> AgentTask:
    """What an agent is made for."""
    problem = bench.problem
    return AgentTask(
        problem.module,
        problem.space,
        problem.features,
        lambda: problem.sensitivities,
        budgets,
        evaluations,
        seed,
    )


def runs_of(bench: Bench, name: AgentName, seed: int, label: str) -> dict[float, Run]:
    """The run for each budget: one for all, but for DDPG, which cannot."""
    if name != "ddpg":
        one = run(bench, make_agent(name, task(bench, BUDGETS, SHARED, seed)), SHARED, label)
        return dict.fromkeys(BUDGETS, one)
    return {
        budget: run(
            bench, make_agent(name, task(bench, (budget,), EPISODES, seed)), EPISODES, f"{label} {budget}"
        )
        for budget in BUDGETS
    }


def best(bench: Bench, evaluations: Sequence[Evaluation], budget: float) -> Evaluation | None:
    """The fastest whose measured drop is within the budget."""
    within = [e for e in evaluations if e.drop <= budget]
    return max(within, key=lambda e: bench.problem.space.speedup(e.choices), default=None)


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--log", type=Path, required=True, help="folder for evaluations")
    parser.add_argument("--cells", type=int, nargs="+", default=[4, 2], help="bits of a cell")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=AGENTS)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("torchrl").setLevel(logging.ERROR)
    lines: list[str] = []
    for cell_bits in args.cells:
        bench = Bench(args.model, args.data, cell_bits, args.log)
        lines += table(bench, args.agents, args.seeds, f"{args.model.stem}, {cell_bits}-bit cells")
    print("\n".join(lines))
    if args.output is not None:
        args.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()

"""What a search spends besides evaluations.

    OMP_NUM_THREADS=1 python benchmarks/search_overhead.py MODEL.onnx DATA.npz

With `--evaluations 200 --agent turns` it is what the search does by default.

Printed are seconds for one policy: its evaluation, an agent's share with the budgets of search.py, an
episode of the environments, and what the cost of a policy would take if the compiler mapped the network anew
for each instead of looking it up. Best of three for all but agents and evaluations, which are means.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from search_bench import BUDGETS, Bench, run
from torch import Tensor

from cimc.rl.agents.make import AGENTS
from cimc.rl.decisions import Decisions
from cimc.rl.environment import PolicyEnv, PrecisionEnv
from cimc.rl.space import Choices
from cimc.tools.search_command import quiet

COPIES = 64
"""Policies that are made at a time, as in the training of `ppo`."""


def best_of_three(action: Callable[[], object]) -> float:
    """Seconds."""
    seconds: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def no_reward(actions: Tensor, cost: Tensor, loss: Tensor, budget: Tensor) -> Tensor:
    """What is timed is the way there."""
    return torch.zeros_like(cost)


def begin(copies: int) -> Tensor:
    """A budget that allows everything."""
    return torch.full((copies,), 1e9)


def environments(bench: Bench, choices: Choices) -> list[tuple[str, float]]:
    """Seconds of a step, that is of one layer of one policy."""
    problem = bench.problem
    decisions = Decisions(problem.space, problem.features, problem.sensitivities.total)
    actions = decisions.actions(choices)
    precision = PrecisionEnv(problem.module, decisions, begin, no_reward)
    many = PolicyEnv(decisions, COPIES, begin, no_reward)

    def play_many() -> None:
        state = many.reset()
        for action in actions:
            state["action"] = torch.full((COPIES,), action)
            state = many.step(state)["next"]

    layers = len(actions)
    return [
        (
            "PrecisionEnv, a step that edits the IR",
            best_of_three(lambda: precision.play(actions, 1e9)) / layers,
        ),
        (f"PolicyEnv, a step, {COPIES} policies at a time", best_of_three(play_many) / layers / COPIES),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--agent", choices=AGENTS, action="append", help="by default all")
    args = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.model, args.data, 4, Path(folder))
        problem = bench.problem
        rows = environments(bench, problem.space.widest)
        rows.append(
            ("the cost, looked up", best_of_three(lambda: problem.space.speedup(problem.space.widest)))
        )
        rows.append(("the cost, mapped anew", best_of_three(lambda: problem.report(problem.space.widest))))
        seconds: list[float] = []
        for name in args.agent or AGENTS:
            result = run(bench, bench.agent(name, BUDGETS, args.evaluations, 0), args.evaluations, name)
            rows.append((f"agent {name}, a policy", result.seconds / len(result.evaluations)))
            seconds += [e.seconds for e in result.evaluations]
    rows.append(("an evaluation", mean(seconds)))
    for name, value in rows:
        print(f"{name:45} {1e3 * value:9.3f} ms")


if __name__ == "__main__":
    main()

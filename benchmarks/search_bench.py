"""What the benchmarks of the search share: a network on a target, and agents that search for its policies."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cimc.pipelines import Options
from cimc.rl.agents.make import AgentName, make_agent, task_of
from cimc.rl.constraints import Constraints, weight_widths
from cimc.rl.evaluation import Agent, Evaluation
from cimc.rl.log import EvaluationLog, fingerprint
from cimc.rl.network.evaluator import NetworkEvaluator, Pictures
from cimc.rl.network.scores import Reference, outputs_of
from cimc.rl.network.training import Training
from cimc.rl.problem import Problem, ProblemSpec
from cimc.rl.space import Choices
from cimc.rl.tensors import tensor_of
from cimc.target import load_target

BUDGETS = (0.5, 1.0, 2.0, 4.0)
SHARED = 200
"""Evaluations for all budgets together."""
VALIDATION, TEST, CALIBRATION, SENSITIVITY = 1000, 4000, 128, 64


class Bench:
    """A network on a target: evaluations on validation and on test pictures, each made once."""

    def __init__(
        self,
        model: Path,
        data: Path,
        cell_bits: int,
        folder: Path,
        weight_bits: str = "multiples",
        mapping: Options | None = None,
    ) -> None:
        """By default in the paper's mapping. `folder` keeps what was evaluated."""
        target = load_target(f"rram-256x256-c{cell_bits}")
        none = Training(0)
        spec = ProblemSpec(
            model,
            data,
            target,
            mapping or Options(opt_level=0),
            Constraints(weight_widths(weight_bits, target)),
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
        x, y = (tensor_of(part[:TEST]) for part in (problem.data.test.x, problem.data.test.y))
        inner = problem.evaluator
        test = Reference(outputs_of(problem.given, x), y)
        self._test = NetworkEvaluator(
            problem.network, problem.given, test, problem.space, inner.statistics, x, Pictures(x, y), {}, 0
        )
        identity = fingerprint(spec)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{model.stem}-c{cell_bits}-{weight_bits}-{spec.mapping.mapping or 'paper'}"
        self._log = EvaluationLog(folder / f"{name}.jsonl", identity)
        self._test_log = EvaluationLog(folder / f"{name}-test.jsonl", identity)

    def evaluate(self, choices: Choices) -> Evaluation:
        """On the validation pictures."""
        return _logged(self._log, self.problem.evaluator, choices)

    def test_drop(self, choices: Choices) -> float:
        """Points of top-1 that are lost on the test pictures."""
        return _logged(self._test_log, self._test, choices).drop

    def agent(self, name: AgentName, budgets: tuple[float, ...], evaluations: int, seed: int) -> Agent:
        """An agent that is new to this network."""
        return make_agent(name, task_of(self.problem, budgets, evaluations, seed))


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


def best(bench: Bench, evaluations: Sequence[Evaluation], budget: float) -> Evaluation | None:
    """The fastest whose measured drop is within the budget."""
    within = [e for e in evaluations if e.drop <= budget]
    return max(within, key=lambda e: bench.problem.space.speedup(e.choices), default=None)


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that all comparisons have."""
    result = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("model", type=Path)
    result.add_argument("data", type=Path)
    result.add_argument("--log", type=Path, required=True, help="folder for evaluations")
    result.add_argument("--cells", type=int, nargs="+", default=[4, 2], help="bits of a cell")
    result.add_argument("--seeds", type=int, default=3)
    result.add_argument("-o", "--output", type=Path)
    return result


def show(lines: Sequence[str], output: Path | None) -> None:
    """Prints tables, and writes them to a file if there is one."""
    print("\n".join(lines))
    if output is not None:
        output.write_text("\n".join(lines))

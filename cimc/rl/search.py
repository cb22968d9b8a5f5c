"""The search: an agent's proposals are evaluated, and what looks best climbs the ladder of trainings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cimc.rl.agents.make import AgentName, make_agent, task_of
from cimc.rl.evaluation import Evaluated, Evaluation, Rung
from cimc.rl.evaluations import Evaluations
from cimc.rl.ladder import FULL_TRAININGS, Line, follow, once, together
from cimc.rl.log import EvaluationLog
from cimc.rl.problem import Problem
from cimc.rl.selection import Judged, best, line
from cimc.rl.space import Choices
from cimc.rl.workers import Workers
from cimc.runtime.arrays import Array

TRAINED_DROPS = (1.0, 3.0, 10.0)
"""Budgets that policies are searched for, if they are to be trained: so many times what is asked for, since
training makes most of a loss good."""

SMALL_DROP = 0.3
"""What is asked for counts as at least so many points then: training makes points good even for a budget of
none."""


@dataclass(frozen=True)
class SearchSettings:
    """What is searched for, and how."""

    max_drops: tuple[float, ...]
    agent: AgentName
    evaluations: int
    confidence: float
    """With which a policy must be within its budget."""
    trains: bool
    """Whether the best policies are trained, or are quantised as they are."""
    seed: int


@dataclass(frozen=True)
class Found:
    """What was found for a budget."""

    max_drop: float
    judged: Judged
    within: bool
    """False if no policy is: then this is the one that loses least."""


@dataclass(frozen=True)
class Result:
    """What was found for each budget: of all policies, and of those with the same widths for all layers.

    If networks were trained, each is taken as it is or trained, whichever is better.
    """

    eight: Evaluation
    """At 8/8 bits."""
    found: list[Found]
    uniform: list[Found]


@dataclass(frozen=True)
class Search:
    """A search in progress."""

    problem: Problem
    workers: Workers
    log: EvaluationLog
    states: Path
    """A folder for the states of trained networks."""
    settings: SearchSettings
    evaluated: Evaluated = lambda evaluation, done, total: None

    @cached_property
    def evaluations(self) -> Evaluations:
        """What this search has evaluated."""
        # Along the front and the uniform widths, and 8/8 bits.
        full = 2 * FULL_TRAININGS * len(self.settings.max_drops) + 1
        totals: dict[Rung, int | None] = {"quick": self.settings.evaluations, "short": None, "full": full}
        return Evaluations(self.problem.space, self.workers, self.log, self.states, totals, self.evaluated)

    def run(self) -> Result:
        """The best policy for each budget, and the best of those that give all layers the same widths."""
        self.explore()
        space, drops = self.problem.space, self.settings.max_drops
        uniform = self.uniform_line()
        same = Line(uniform, self.evaluations, self.settings.confidence)
        climbs = [*(same.quantized(drop) for drop in drops), once(space.eight, "quick")]
        if self.settings.trains:
            policies = line(list(self.evaluations.seen().values()))
            front = Line(policies, self.evaluations, self.settings.confidence)
            # What the others are compared with has to be trained, too.
            climbs += [once(space.eight, "full"), front.trained(drops), same.trained(drops)]
        together(self.evaluations, *climbs)
        found = self.evaluations.candidates()
        eights = [one.evaluation for one in found if one.evaluation.choices == space.eight]
        found = [one for one in found if space.allows(one.evaluation.choices)]
        return Result(
            min(eights, key=lambda evaluation: evaluation.drop),
            self._select(found),
            self._select([one for one in found if one.evaluation.choices in uniform]),
        )

    def explore(self) -> None:
        """Evaluates what the agent proposes."""
        settings = self.settings
        budgets = settings.max_drops
        if settings.trains:
            large = {factor * max(drop, SMALL_DROP) for factor in TRAINED_DROPS for drop in budgets}
            budgets = tuple(sorted({*budgets, *large}))
        task = task_of(self.problem, budgets, settings.evaluations, settings.seed)
        self.evaluations.evaluate([self.problem.space.widest], "quick")
        agent = make_agent(settings.agent, task)
        together(self.evaluations, follow(agent, settings.evaluations))

    def uniform_line(self) -> list[Choices]:
        """Policies of uniform widths, slowest first, without those that another one beats."""
        space, loss = self.problem.space, self.problem.sensitivities.total
        policies = list(dict.fromkeys(space.uniform(option) for option in space.options))
        kept: list[Choices] = []
        least = float("inf")
        for choices in sorted(policies, key=lambda c: (space.latency_of(c), _sum(loss, c))):
            if _sum(loss, choices) < least:
                kept.append(choices)
                least = _sum(loss, choices)
        return kept[::-1]

    def _select(self, found: Sequence[Judged]) -> list[Found]:
        """For each budget the fastest that is within it, or else what loses least."""
        result: list[Found] = []
        for drop in self.settings.max_drops:
            one = best(found, drop, self.settings.confidence)
            nearest = min(found, key=lambda j: j.upper(self.settings.confidence))
            result.append(Found(drop, nearest if one is None else one, one is not None))
        return result


def _sum(loss: Array, choices: Choices) -> float:
    return float(loss[range(len(choices)), choices].sum())

"""The search: an agent's proposals are evaluated, and what looks best climbs the ladder of trainings."""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from cimc.rl.agents.bisection import BisectionAgent
from cimc.rl.agents.make import AgentName, make_agent, task_of
from cimc.rl.evaluation import RUNGS, Agent, Evaluated, Evaluation, Rung
from cimc.rl.log import EvaluationLog
from cimc.rl.problem import Problem
from cimc.rl.selection import Judged, best, judged, line
from cimc.rl.space import Choices, policy_name
from cimc.rl.workers import Workers
from cimc.runtime.arrays import Array
from cimc.tensor_store import atomic_path

ROUND = 4
"""Policies that are proposed, and evaluated, at a time; the same for any number of workers."""

TRAINED_DROPS = (1.0, 3.0, 10.0)
"""Budgets that policies are searched for, if they are to be trained: so many times what is asked for, since
training makes most of a loss good."""

SMALL_DROP = 0.3
"""What is asked for counts as at least so many points then: training makes points good even for a budget of
none."""

FULL_TRAININGS = 3
"""For each budget, at most."""


Request: TypeAlias = tuple[list[Choices], Rung]
"""Policies, and the rung on which they are to be evaluated."""

Climb: TypeAlias = Generator[Request, list[Evaluation], None]
"""Asks for evaluations, one after the other, and is told what they gave."""


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


@dataclass
class Events:
    """What a search tells while it goes on."""

    evaluated: Evaluated = lambda evaluation, done, total: None


@dataclass
class Search:
    """A search in progress."""

    problem: Problem
    workers: Workers
    log: EvaluationLog
    states: Path
    """A folder for the states of trained networks."""
    settings: SearchSettings
    events: Events = field(default_factory=Events)
    _done: Counter[Rung] = field(default_factory=Counter[Rung])
    _seen: dict[tuple[Choices, Rung], Evaluation] = field(
        default_factory=dict[tuple[Choices, Rung], Evaluation]
    )

    def run(self) -> Result:
        """The best policy for each budget, and the best of those that give all layers the same widths."""
        self.explore()
        space = self.problem.space
        front, uniform = line(judged(space, list(self._seen.values()))), self.uniform_line()
        climbs = [self._go_along(uniform, drop) for drop in self.settings.max_drops]
        climbs.append(self._climb_once(space.eight))
        if self.settings.trains:
            # What the others are compared with has to be trained, too.
            climbs += [self._climb(front), self._climb(uniform)]
        self._together(*climbs)
        trained = [e for e in self.log.of_rung("full") if self._is_known(e.choices, "full")]
        found = judged(space, self.log.of_rung("quick")) + judged(space, trained)
        eight = min(
            (one.evaluation for one in found if one.evaluation.choices == space.eight), key=lambda e: e.drop
        )
        found = [one for one in found if space.allows(one.evaluation.choices)]
        same = [one for one in found if one.evaluation.choices in uniform]
        return Result(eight, self._select(found), self._select(same))

    def _together(self, *climbs: Climb) -> None:
        """Goes on with all climbs at the same time, so that there is work for several workers.

        What is cheap is evaluated first: then trainings of about the same length run beside each other.
        """
        waiting: dict[Climb, Request] = {
            climb: request for climb in climbs if (request := next(climb, None)) is not None
        }
        while waiting:
            rung = RUNGS[min(RUNGS.index(asked) for _, asked in waiting.values())]
            ready = {climb: policies for climb, (policies, asked) in waiting.items() if asked == rung}
            wanted = list(dict.fromkeys(choices for policies in ready.values() for choices in policies))
            found = dict(zip(wanted, self._evaluate(wanted, rung), strict=True))
            for climb, policies in ready.items():
                try:
                    waiting[climb] = climb.send([found[choices] for choices in policies])
                except StopIteration:
                    del waiting[climb]

    def _climb_once(self, choices: Choices) -> Climb:
        """One policy, as it is and, if any is, trained."""
        yield [choices], "quick"
        if self.settings.trains:
            yield [choices], "full"

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

    def _go_along(self, policies: Sequence[Choices], max_drop: float) -> Climb:
        """Finds how far one can go on a line, and goes back until that is within the budget for sure."""
        yield from self._bisect(policies, [max_drop], "quick")
        position = self._reached(policies, max_drop, "quick")
        while position > 0 and not self._is_sure(policies[position], max_drop):
            position -= 1
            yield [policies[position]], "quick"

    def _is_sure(self, choices: Choices, max_drop: float) -> bool:
        return self._judge(choices, "quick").upper(self.settings.confidence) <= max_drop

    def _climb(self, policies: Sequence[Choices]) -> Climb:
        """Trains along a line of policies: shortly to find how far one can go, then fully around there."""
        drops = self.settings.max_drops
        yield from self._bisect(policies, drops, "short")
        for drop in drops:
            yield from self._train_towards(policies, drop)

    def _train_towards(self, policies: Sequence[Choices], max_drop: float) -> Climb:
        """Full trainings; the room that each leaves to the budget says what a short one may lose next."""
        low, high, short_drop = -1, len(policies), max_drop
        for _ in range(FULL_TRAININGS):
            yield from self._bisect(policies, [short_drop], "short")
            position = min(max(self._reached(policies, short_drop, "short"), low + 1), high - 1)
            if position <= low:
                return
            choices = policies[position]
            yield [choices], "full"
            yield [choices], "short"
            room = max_drop - self._judge(choices, "full").upper(self.settings.confidence)
            low, high = (position, high) if room >= 0 else (low, position)
            short_drop = self._judge(choices, "short").drop + room

    def _bisect(self, policies: Sequence[Choices], max_drops: Sequence[float], rung: Rung) -> Climb:
        """Finds how far one can go on a line, by the drops that are expected of other pictures."""
        agent = BisectionAgent(policies, max_drops)
        while proposals := agent.propose(ROUND):
            evaluations = yield [proposal.choices for proposal in proposals], rung
            agent.observe([replace(e, drop=self._judge(e.choices, rung).drop) for e in evaluations])

    def _reached(self, policies: Sequence[Choices], max_drop: float, rung: Rung) -> int:
        """How far on a line networks of a rung stay within a drop."""
        seen = [self._judge(choices, rung) for choices in policies if (choices, rung) in self._seen]
        found = best(seen, max_drop, 0.5)
        return 0 if found is None else policies.index(found.evaluation.choices)

    def _judge(self, choices: Choices, rung: Rung) -> Judged:
        """An evaluation in the light of those so far, and no others that a resumed search may have."""
        found = judged(self.problem.space, list(self._seen.values()))
        return found[list(self._seen).index((choices, rung))]

    def _select(self, found: Sequence[Judged]) -> list[Found]:
        """For each budget the fastest that is within it, or else what loses least."""
        result: list[Found] = []
        for drop in self.settings.max_drops:
            one = best(found, drop, self.settings.confidence)
            nearest = min(found, key=lambda j: j.upper(self.settings.confidence))
            result.append(Found(drop, nearest if one is None else one, one is not None))
        return result

    def explore(self) -> None:
        """Evaluates what the agent proposes."""
        settings = self.settings
        budgets = settings.max_drops
        if settings.trains:
            large = {factor * max(drop, SMALL_DROP) for factor in TRAINED_DROPS for drop in budgets}
            budgets = tuple(sorted({*budgets, *large}))
        task = task_of(self.problem, budgets, settings.evaluations, settings.seed)
        self._evaluate([self.problem.space.widest], "quick")
        self._together(_follow(make_agent(settings.agent, task), "quick", settings.evaluations))

    def _evaluate(self, policies: Sequence[Choices], rung: Rung) -> list[Evaluation]:
        """The evaluations of policies, none twice: from the log, or made now."""
        missing = [choices for choices in policies if not self._is_known(choices, rung)]
        for outcome in self.workers.run(missing, rung):
            if rung == "full" and outcome.state is not None:
                with atomic_path(self.state_file(outcome.evaluation.choices)) as temporary:
                    temporary.write_bytes(outcome.state)
            self.log.add(outcome.evaluation)
        found = (self.log.get(choices, rung) for choices in policies)
        known = [evaluation for evaluation in found if evaluation is not None]
        for evaluation in known:
            self._done[rung] += 1
            self._seen[evaluation.choices, rung] = evaluation
            self.events.evaluated(evaluation, self._done[rung], self._at_most(rung))
        return known

    def _at_most(self, rung: Rung) -> int | None:
        """How many evaluations there will be, if that is known."""
        if rung == "quick":
            return max(self.settings.evaluations, self._done[rung])
        # Along the front and the uniform widths, and 8/8 bits.
        return None if rung == "short" else 2 * FULL_TRAININGS * len(self.settings.max_drops) + 1

    def _is_known(self, choices: Choices, rung: Rung) -> bool:
        kept = rung != "full" or self.state_file(choices).exists()
        return kept and self.log.get(choices, rung) is not None

    def state_of(self, evaluation: Evaluation) -> bytes | None:
        """The network that was evaluated, if it was one that was trained."""
        return None if evaluation.rung == "quick" else self.state_file(evaluation.choices).read_bytes()

    def state_file(self, choices: Choices) -> Path:
        """Where the network of a policy is kept once it is trained."""
        return self.states / f"{policy_name(choices)}.pt"


def _follow(agent: Agent, rung: Rung, limit: int) -> Climb:
    """An agent's proposals until it has no more, or there were so many."""
    done = 0
    while done < limit:
        proposals = agent.propose(min(ROUND, limit - done))
        if not proposals:
            return
        agent.observe((yield [proposal.choices for proposal in proposals], rung))
        done += len(proposals)


def _sum(loss: Array, choices: Choices) -> float:
    return float(loss[range(len(choices)), choices].sum())

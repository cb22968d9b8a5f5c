"""The ladder of evaluations, on which policies climb side by side: cheap ones first, then trainings."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from cimc.rl.agents.bisection import BisectionAgent
from cimc.rl.evaluation import RUNGS, Agent, Evaluation, Rung
from cimc.rl.evaluations import Evaluations
from cimc.rl.selection import Judged, best
from cimc.rl.space import Choices

ROUND = 4
"""Policies that are proposed, and evaluated, at a time; the same for any number of workers."""

FULL_TRAININGS = 3
"""For each budget, at most."""

Request: TypeAlias = tuple[list[Choices], Rung]
"""Policies, and the rung on which they are to be evaluated."""

Climb: TypeAlias = Generator[Request, list[Evaluation], None]
"""Asks for evaluations, one after the other, and is told what they gave."""


def together(evaluations: Evaluations, *climbs: Climb) -> None:
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
        found = dict(zip(wanted, evaluations.evaluate(wanted, rung), strict=True))
        for climb, policies in ready.items():
            try:
                waiting[climb] = climb.send([found[choices] for choices in policies])
            except StopIteration:
                del waiting[climb]


def follow(agent: Agent, limit: int) -> Climb:
    """Quick evaluations of an agent's proposals until it has no more, or there were so many."""
    done = 0
    while done < limit:
        proposals = agent.propose(min(ROUND, limit - done))
        if not proposals:
            return
        agent.observe((yield [proposal.choices for proposal in proposals], "quick"))
        done += len(proposals)


def once(choices: Choices, *rungs: Rung) -> Climb:
    """One policy on some rungs."""
    for rung in rungs:
        yield [choices], rung


@dataclass(frozen=True)
class Line:
    """Policies, each faster than the one before, that are searched for how far one can go."""

    policies: Sequence[Choices]
    evaluations: Evaluations
    confidence: float
    """With which a policy must be within its budget."""

    def quantized(self, max_drop: float) -> Climb:
        """Finds how far one can go without training, and goes back until that is within the budget."""
        yield from self._bisect([max_drop], "quick")
        position = self._reached(max_drop, "quick")
        while position > 0 and self._judged(position, "quick").upper(self.confidence) > max_drop:
            position -= 1
            yield [self.policies[position]], "quick"

    def trained(self, max_drops: Sequence[float]) -> Climb:
        """Trains shortly to find how far one can go, then fully around there."""
        yield from self._bisect(max_drops, "short")
        for max_drop in max_drops:
            yield from self._train_towards(max_drop)

    def _train_towards(self, max_drop: float) -> Climb:
        """Full trainings; the room that each leaves to the budget says what a short one may lose next."""
        low, high, short_drop = -1, len(self.policies), max_drop
        for _ in range(FULL_TRAININGS):
            yield from self._bisect([short_drop], "short")
            position = min(max(self._reached(short_drop, "short"), low + 1), high - 1)
            if position <= low:
                return
            yield from once(self.policies[position], "full", "short")
            room = max_drop - self._judged(position, "full").upper(self.confidence)
            low, high = (position, high) if room >= 0 else (low, position)
            short_drop = self._judged(position, "short").drop + room

    def _bisect(self, max_drops: Sequence[float], rung: Rung) -> Climb:
        """Finds how far one can go, by the drops that are expected of other pictures."""
        agent = BisectionAgent(self.policies, max_drops)
        while proposals := agent.propose(ROUND):
            evaluations = yield [proposal.choices for proposal in proposals], rung
            seen = self.evaluations.seen()
            agent.observe([replace(e, drop=seen[e.choices, rung].drop) for e in evaluations])

    def _reached(self, max_drop: float, rung: Rung) -> int:
        """How far networks of a rung are expected to stay within a drop."""
        seen = self.evaluations.seen()
        found = best([seen[c, rung] for c in self.policies if (c, rung) in seen], max_drop, 0.5)
        return 0 if found is None else self.policies.index(found.evaluation.choices)

    def _judged(self, position: int, rung: Rung) -> Judged:
        return self.evaluations.seen()[self.policies[position], rung]

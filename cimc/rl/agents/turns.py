"""Agents that take turns on one surrogate."""

from collections.abc import Sequence

from cimc.rl.evaluation import Agent, Evaluation, Proposal


class TurnsAgent:
    """Each of some agents proposes in turn; all see all evaluations."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._agents = list(agents)
        self._turn = 0

    def propose(self, count: int) -> list[Proposal]:
        """`count` policies, from each agent about as many; fewer if no one has more."""
        counts = [0] * len(self._agents)
        for _ in range(count):
            counts[self._turn % len(counts)] += 1
            self._turn += 1
        proposals: list[Proposal] = []
        able: list[Agent] = []
        for agent, share in zip(self._agents, counts, strict=True):
            found = agent.propose(share) if share else []
            proposals += found
            if len(found) == share:
                able.append(agent)
        for agent in able:  # they make up for those that have no more
            if missing := count - len(proposals):
                proposals += agent.propose(missing)
        return proposals

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Passes evaluations on."""
        for agent in self._agents:
            agent.observe(evaluations)

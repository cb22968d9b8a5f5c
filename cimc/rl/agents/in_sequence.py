"""Agents that come one after the other, such as one for each budget."""

from collections.abc import Sequence

from cimc.rl.evaluation import Agent, Evaluation, Proposal


class InSequence:
    """The next agent proposes when the one before has no more."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._agents = list(agents)
        self._current = 0

    def propose(self, count: int) -> list[Proposal]:
        """At most `count` policies, all from one agent."""
        while self._current < len(self._agents):
            proposals = self._agents[self._current].propose(count)
            if proposals:
                return proposals
            self._current += 1
        return []

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Tells the agent that proposed."""
        if self._current < len(self._agents):
            self._agents[self._current].observe(evaluations)

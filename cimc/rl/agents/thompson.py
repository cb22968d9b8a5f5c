"""The agent `thompson`: the best policy of a possible world, evaluated, and the world seen more sharply."""

from collections.abc import Sequence

import numpy as np

from cimc.rl.evaluation import Evaluation, Proposal
from cimc.rl.knapsack import cheapest
from cimc.rl.space import Space
from cimc.rl.surrogate import Surrogate
from cimc.runtime.arrays import Array

TRIES = 20
"""Possible worlds that are looked at for a policy that has not been evaluated yet."""


class ThompsonAgent:
    """Draws a possible world from the surrogate, and solves it exactly as a multiple-choice knapsack.

    Budgets take turns. W. R. Thompson, On the likelihood that one unknown probability exceeds another in
    view of the evidence of two samples, Biometrika 25 (1933).
    """

    def __init__(self, space: Space, surrogate: Surrogate, max_drops: Sequence[float], seed: int) -> None:
        self._space, self._surrogate = space, surrogate
        self._max_drops = tuple(max_drops)
        self._random = np.random.default_rng(seed)
        self._turn = 0
        self._cost = cost_of(space)

    def propose(self, count: int) -> list[Proposal]:
        """`count` policies, fewer if there are no new ones."""
        return [proposal for _ in range(count) if (proposal := self._next()) is not None]

    def _next(self) -> Proposal | None:
        for attempt in range(TRIES * len(self._max_drops)):
            max_drop = self._max_drops[(self._turn + attempt // TRIES) % len(self._max_drops)]
            budget = self._surrogate.drops.divergence_for(max_drop, self._random)
            choices = cheapest(self._cost, self._surrogate.sample(self._random), budget)
            choices = self._space.widest if choices is None else choices
            if choices not in self._surrogate.proposed:
                self._surrogate.proposed.add(choices)
                self._turn += 1
                return Proposal(choices, max_drop)
        return None

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Refits the surrogate."""
        self._surrogate.observe(evaluations)


def cost_of(space: Space) -> Array:
    """Latencies as costs of a knapsack, infinite for what is not allowed; [layers, options]."""
    return np.where(space.allowed, space.latency_ps, np.inf)

"""The agent `random`: any policy that is allowed. What others have to be better than."""

from collections.abc import Sequence

import numpy as np

from cimc.rl.evaluation import Evaluation, Proposal
from cimc.rl.space import Space


class RandomAgent:
    """Draws the option of each layer evenly."""

    def __init__(self, space: Space, max_drops: Sequence[float], seed: int) -> None:
        self._options = [np.flatnonzero(row) for row in space.allowed]
        self._max_drop = max(max_drops)
        self._random = np.random.default_rng(seed)

    def propose(self, count: int) -> list[Proposal]:
        """`count` policies."""
        return [
            Proposal(tuple(int(self._random.choice(options)) for options in self._options), self._max_drop)
            for _ in range(count)
        ]

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Learns nothing."""

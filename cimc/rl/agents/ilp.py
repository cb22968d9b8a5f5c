"""The agent `ilp`: knapsacks on sensitivities that were measured once, and bisection for the budget.

What is asked of the evaluations is only how much of a loss the sensitivities can add up to.
"""

from collections.abc import Sequence

import numpy as np

from cimc.rl.agents.bisection import BisectionAgent
from cimc.rl.agents.thompson import cost_of
from cimc.rl.knapsack import front
from cimc.rl.space import Space
from cimc.rl.surrogate import Sensitivities

SOLUTIONS = 256
"""Knapsacks that are solved, for budgets from the least to the largest loss, by their logarithms."""


def ilp_agent(space: Space, sensitivities: Sensitivities, max_drops: Sequence[float]) -> BisectionAgent:
    """The agent, on a front of exact solutions."""
    loss = np.where(space.allowed, sensitivities.total, np.nan)
    least, most = float(np.nanmin(loss, 1).sum()), float(np.nanmax(loss, 1).sum())
    budgets = np.geomspace(max(least, 1e-9) * 1.01, max(most, 1e-8), SOLUTIONS)
    # Losses are rounded up, so that not even the last budget need leave room for what is fastest.
    line = [space.widest, *front(cost_of(space), sensitivities.total, budgets), space.fastest]
    return BisectionAgent(list(dict.fromkeys(line)), max_drops)

"""The agent `greedy`: one layer narrower where that saves most time for what it loses, again and again."""

from collections.abc import Sequence

import numpy as np

from cimc.rl.agents.bisection import BisectionAgent
from cimc.rl.space import Choices, Space
from cimc.rl.surrogate import Sensitivities


def greedy_agent(space: Space, sensitivities: Sensitivities, max_drops: Sequence[float]) -> BisectionAgent:
    """The agent, on the line of policies that the steps make."""
    return BisectionAgent(greedy_line(space, sensitivities), max_drops)


def greedy_line(space: Space, sensitivities: Sensitivities) -> list[Choices]:
    """Policies from the widest to the fastest; each changes one layer of the one before."""
    loss, latency = sensitivities.total, space.latency_ps
    current = np.array(space.widest)
    rows = np.arange(len(current))
    line = [space.widest]
    while True:
        saved = latency[rows, current][:, None] - latency
        lost = np.maximum(loss - loss[rows, current][:, None], 1e-9)
        gain = np.where(space.allowed & (saved > 0), saved / lost, -1.0)
        layer, option = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[layer, option] < 0:
            return line
        current[layer] = option
        line.append(tuple(int(i) for i in current))

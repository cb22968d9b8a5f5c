"""A small space whose drop is known in closed form."""

import numpy as np

from cimc.cost import LayerShape
from cimc.policy import Widths
from cimc.rl.evaluation import Agent, Evaluation
from cimc.rl.features import LayerFeatures
from cimc.rl.space import Choices, Space

OPTIONS = tuple(Widths(w, a) for w in (4, 8) for a in range(2, 9))
SENSITIVITY = np.array([4.0, 0.25, 1.0, 0.1])
WORK = np.array([1, 4, 2, 8])


def toy_space() -> Space:
    """Four layers; time is work times both widths."""
    w = np.array([option.weight_bits for option in OPTIONS])
    a = np.array([option.activation_bits for option in OPTIONS])
    latency = WORK[:, None] * (w * a)
    return Space(
        tuple(f"layer{i}" for i in range(4)),
        OPTIONS,
        latency.astype(np.int64),
        np.ones_like(latency, bool),
        int(WORK.sum()) * 64,
    )


def toy_features(layers: int) -> list[LayerFeatures]:
    """Convolutions that grow, and a matrix product at the end."""
    shapes = [
        LayerShape(f"layer{i}", "Conv2D", 8 << i, 72 << i, 64 >> i, 1, 576 << (2 * i))
        for i in range(layers - 1)
    ]
    dense = LayerShape("dense", "Dense", 10, 64, 1, 1, 640)
    return [*(LayerFeatures(shape, 9, 1, 1, False) for shape in shapes), LayerFeatures(dense, 1, 1, 1, False)]


def toy_evaluation(space: Space, choices: Choices) -> Evaluation:
    """The drop of each layer halves with each bit of activations, and is less with 8 bits of weights."""
    w, a = space.weight_bits[list(choices)], space.activation_bits[list(choices)]
    drop = float((SENSITIVITY[: len(choices)] * (2.0 ** (4 - a) + 2.0 ** (2 - w))).sum())
    return Evaluation(choices, "quick", drop, 0, drop, 0)


def run(space: Space, agent: Agent) -> list[Evaluation]:
    """Evaluates whatever the agent proposes, one by one."""
    evaluations: list[Evaluation] = []
    while proposals := agent.propose(1):
        batch = [toy_evaluation(space, proposal.choices) for proposal in proposals]
        agent.observe(batch)
        evaluations += batch
    return evaluations

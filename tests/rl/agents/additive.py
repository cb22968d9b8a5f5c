"""A world in which losses add up exactly, as agents suppose, and the best policy is known."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from rl.agents.toy import SENSITIVITY, toy_space

from cimc.rl.evaluation import Agent, Evaluation, Proposal
from cimc.rl.space import Choices, Space
from cimc.rl.surrogate import Sensitivities
from cimc.runtime.arrays import Array

POINTS = 50
"""Points of drop a nat."""


@dataclass(frozen=True, eq=False)
class AdditiveWorld:
    """What each width of each layer really costs."""

    space: Space
    true: Sensitivities

    def divergence(self, choices: Choices) -> float:
        return float(self.true.total[range(len(choices)), choices].sum())

    def evaluate(self, choices: Choices) -> Evaluation:
        divergence = self.divergence(choices)
        return Evaluation(choices, "quick", POINTS * divergence, 0.2, divergence, 0)

    def sensitivities(self, error: float, seed: int = 0) -> Sensitivities:
        """The true ones, each a factor off whose logarithm has the standard deviation `error`."""
        factors = np.exp(np.random.default_rng(seed).normal(0, error, (2, 2, *self.true.total.shape)))
        # The same for all options of a layer that share a width.
        bits = self.space.weight_bits, self.space.activation_bits
        w, a = (factors[i, 0][:, indices] for i, indices in enumerate(bits))
        return Sensitivities(self.true.weights * w, self.true.activations * a)

    @cached_property
    def all_policies(self) -> tuple[Array, Array]:
        """The latency and the drop of every allowed policy."""
        latency, drop = np.zeros(1), np.zeros(1)
        for layer, row in enumerate(self.space.allowed):
            latency = np.add.outer(latency, self.space.latency_ps[layer, row]).ravel()
            drop = np.add.outer(drop, POINTS * self.true.total[layer, row]).ravel()
        return latency, drop

    def best_latency(self, max_drop: float) -> float:
        """Of the fastest policy within a budget, by looking at all."""
        latency, drop = self.all_policies
        return float(latency[drop <= max_drop].min())


def toy_world() -> AdditiveWorld:
    """The toy space: four layers of 14 options, which lose 0.4 to 23 points together."""
    space = toy_space()
    weights, activations = (
        np.outer(SENSITIVITY, 2.0**power) / POINTS
        for power in (2.0 - space.weight_bits, 4.0 - space.activation_bits)
    )
    return AdditiveWorld(space, Sensitivities(weights, activations))


def restricted(world: AdditiveWorld, allowed: Array) -> AdditiveWorld:
    """The same world with fewer options."""
    return replace(world, space=replace(world.space, allowed=allowed))


def one_layer(world: AdditiveWorld) -> AdditiveWorld:
    """Its first layer only."""
    space, true = world.space, world.true
    first = replace(
        space, layers=space.layers[:1], latency_ps=space.latency_ps[:1], allowed=space.allowed[:1]
    )
    return AdditiveWorld(first, Sensitivities(true.weights[:1], true.activations[:1]))


def explore(world: AdditiveWorld, agent: Agent, evaluations: int, count: int = 4) -> list[Proposal]:
    """What an agent proposes in a search for so many evaluations, some at a time."""
    proposals: list[Proposal] = []
    while len(proposals) < evaluations:
        asked = min(count, evaluations - len(proposals))
        found = agent.propose(asked)
        assert len(found) <= asked
        if not found:
            break
        agent.observe([world.evaluate(proposal.choices) for proposal in found])
        proposals += found
    return proposals


def best_of(world: AdditiveWorld, proposals: list[Proposal], max_drop: float) -> float:
    """How much slower the best that was found within a budget is than the best there is, as a fraction."""
    drops = [POINTS * world.divergence(proposal.choices) for proposal in proposals]
    within = [
        world.space.latency_of(proposal.choices)
        for proposal, drop in zip(proposals, drops, strict=True)
        if drop <= max_drop
    ]
    return min(within, default=np.inf) / world.best_latency(max_drop) - 1

"""The agents on a surrogate, in a world where losses add up and the best policy is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from rl.agents.additive import POINTS, AdditiveWorld, best_of, explore, one_layer, restricted, toy_world
from rl.agents.toy import toy_features

from cimc.rl.agents.ppo import PpoAgent, PpoSettings
from cimc.rl.agents.random import RandomAgent
from cimc.rl.agents.thompson import ThompsonAgent
from cimc.rl.agents.turns import TurnsAgent
from cimc.rl.evaluation import Agent
from cimc.rl.surrogate import Surrogate

WORLD = toy_world()
BUDGETS = (1.0, 4.0)
AGENTS = ("thompson", "ppo", "turns")
SMALL = PpoSettings(hidden=16, clone_steps=100, episodes=16, candidates=32)


def agent_for(
    name: str,
    world: AdditiveWorld = WORLD,
    budgets: Sequence[float] = BUDGETS,
    seed: int = 0,
    error: float = 0.5,
) -> Agent:
    """An agent that knows sensitivities only roughly."""
    surrogate = Surrogate(world.space, world.sensitivities(error, seed))
    thompson = ThompsonAgent(world.space, surrogate, budgets, seed)
    if name == "thompson":
        return thompson
    features = toy_features(len(world.space.layers))
    ppo = PpoAgent(world.space, features, surrogate, budgets, seed, SMALL)
    return ppo if name == "ppo" else TurnsAgent([ppo, thompson])


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize(("budgets", "seed"), [(BUDGETS, 3), (BUDGETS[::-1], 5)])
def test_finds_policies_hardly_slower_than_the_best(name: str, budgets: tuple[float, ...], seed: int):
    proposals = explore(WORLD, agent_for(name, budgets=budgets, seed=seed), 50)
    assert len(proposals) == 50
    for budget in budgets:
        assert 0 <= best_of(WORLD, proposals, budget) <= 0.1


@pytest.mark.parametrize("budget", BUDGETS)
def test_random_policies_are_far_slower(budget: float):
    """So that the test above says something."""
    for seed in (3, 4):
        proposals = explore(WORLD, RandomAgent(WORLD.space, BUDGETS, seed), 50)
        assert best_of(WORLD, proposals, budget) > 0.3


@pytest.mark.parametrize("name", AGENTS)
def test_corrects_sensitivities_that_are_far_off(name: str):
    """Losses are four times what was measured: the first policies lose far too much."""
    measured = replace(WORLD.true, weights=WORLD.true.weights / 4, activations=WORLD.true.activations / 4)
    surrogate = Surrogate(WORLD.space, measured)
    thompson = ThompsonAgent(WORLD.space, surrogate, [2.0], 0)
    ppo = PpoAgent(WORLD.space, toy_features(4), surrogate, [2.0], 0, SMALL)
    agent = {"thompson": thompson, "ppo": ppo, "turns": TurnsAgent([ppo, thompson])}[name]
    proposals = explore(WORLD, agent, 50)
    drops = [POINTS * WORLD.divergence(proposal.choices) for proposal in proposals]
    assert np.mean(drops[:4]) > 3
    assert np.mean(drops[-20:]) == pytest.approx(2, abs=1)
    assert best_of(WORLD, proposals, 2.0) <= 0.1


@pytest.mark.parametrize("name", AGENTS)
def test_the_seed_alone_decides(name: str):
    state, numbers = torch.get_rng_state(), repr(np.random.get_state())
    first = explore(WORLD, agent_for(name, seed=1), 10)
    assert torch.equal(torch.get_rng_state(), state)
    assert repr(np.random.get_state()) == numbers
    torch.rand(3)
    assert explore(WORLD, agent_for(name, seed=1), 10) == first
    one, other = (explore(WORLD, agent_for(name, seed=seed, error=0.0), 10) for seed in (1, 2))
    assert one != other


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("count", [1, 5])
def test_proposals_are_new_allowed_and_for_all_budgets(name: str, count: int):
    allowed = np.zeros_like(WORLD.space.allowed)
    for row, taken in zip(allowed, ([0, 4, 7, 13], [1, 3, 7], [2, 3, 4, 9, 11, 13], [0, 1, 7]), strict=True):
        row[taken] = True
    world = restricted(WORLD, allowed)
    budgets = (1.0, 2.0, 4.0)
    proposals = explore(world, agent_for(name, world, budgets), 18, count)
    policies = [proposal.choices for proposal in proposals]
    assert len(set(policies)) == len(policies) == 18
    for choices in policies:
        assert all(type(choice) is int for choice in choices)
        assert allowed[range(4), choices].all()
    asked = [proposal.max_drop for proposal in proposals]
    assert all(asked.count(budget) >= 3 for budget in budgets)


@pytest.mark.parametrize("name", AGENTS)
def test_what_others_evaluated_is_not_proposed(name: str):
    agent = agent_for(name)
    known = [proposal.choices for proposal in explore(WORLD, agent_for(name), 12)]
    agent.observe([WORLD.evaluate(choices) for choices in known])
    assert not set(known) & {proposal.choices for proposal in explore(WORLD, agent, 12)}


@pytest.mark.parametrize("name", AGENTS)
def test_a_space_without_a_choice_has_one_policy(name: str):
    allowed = np.zeros_like(WORLD.space.allowed)
    allowed[range(4), [5, 0, 13, 2]] = True
    world = restricted(WORLD, allowed)
    proposals = explore(world, agent_for(name, world), 20)
    assert [proposal.choices for proposal in proposals] == [(5, 0, 13, 2)]


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("count", [1, 4, 50])
def test_ends_when_there_is_nothing_new(name: str, count: int):
    """Two layers have two options each; not all of these four policies need be worth proposing."""
    allowed = np.zeros_like(WORLD.space.allowed)
    allowed[:, 13] = allowed[0, 4] = allowed[3, 0] = True
    world = restricted(WORLD, allowed)
    agent = agent_for(name, world)
    proposals = explore(world, agent, 20, count)
    policies = {proposal.choices for proposal in proposals}
    assert 2 <= len(policies) == len(proposals) <= 4
    assert agent.propose(count) == []


@pytest.mark.parametrize("name", AGENTS)
def test_one_layer(name: str):
    world = one_layer(WORLD)
    proposals = explore(world, agent_for(name, world), 14)
    for budget in BUDGETS:
        assert best_of(world, proposals, budget) == 0


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("budget", [0.0, 1e-9, 1e6])
def test_budgets_that_none_or_all_hold(name: str, budget: float):
    proposals = explore(WORLD, agent_for(name, budgets=[budget]), 8)
    policies = [proposal.choices for proposal in proposals]
    assert len(set(policies)) == len(policies) >= 1
    assert (WORLD.space.fastest if budget > 1 else WORLD.space.widest) in policies

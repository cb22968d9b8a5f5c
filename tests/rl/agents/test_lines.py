"""The agents `ilp` and `greedy`: lines of policies from sensitivities, on worlds where the best is known."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from rl.agents.additive import AdditiveWorld, best_of, explore, one_layer, restricted, toy_world
from rl.spaces import space_of, spaces

from cimc.policy import Widths
from cimc.rl.agents.bisection import BisectionAgent
from cimc.rl.agents.greedy import greedy_agent, greedy_line
from cimc.rl.agents.ilp import ilp_agent
from cimc.rl.space import Space
from cimc.rl.surrogate import Sensitivities

Make = Callable[[Space, Sensitivities, Sequence[float]], BisectionAgent]
AGENTS: dict[str, Make] = {"ilp": ilp_agent, "greedy": greedy_agent}
BUDGETS = (0.5, 1.0, 4.0, 12.0)
WORLD = toy_world()


@pytest.mark.parametrize(("name", "slower"), [("ilp", 0.02), ("greedy", 0.25)])
def test_finds_the_best_where_sensitivities_are_right(name: str, slower: float):
    agent = AGENTS[name](WORLD.space, WORLD.true, BUDGETS)
    proposals = explore(WORLD, agent, 100)
    assert len(proposals) <= len(BUDGETS) * 9
    for budget in BUDGETS:
        assert 0 <= best_of(WORLD, proposals, budget) <= slower


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("error", [0.0, 0.7])
def test_proposals_are_new_and_do_not_depend_on_the_order_of_budgets(name: str, error: float):
    measured = WORLD.sensitivities(error)
    one, two = (
        explore(WORLD, AGENTS[name](WORLD.space, measured, budgets), 100, 99)
        for budgets in (BUDGETS, BUDGETS[::-1])
    )
    policies = [proposal.choices for proposal in one]
    assert len(set(policies)) == len(policies)
    assert set(policies) == {proposal.choices for proposal in two}


@pytest.mark.parametrize("name", AGENTS)
def test_a_budget_that_all_policies_hold_gives_the_fastest(name: str):
    proposals = explore(WORLD, AGENTS[name](WORLD.space, WORLD.true, [1e3]), 100)
    assert best_of(WORLD, proposals, 1e3) == 0


@pytest.mark.parametrize("name", AGENTS)
def test_a_budget_that_no_policy_holds_gives_the_widest(name: str):
    proposals = explore(WORLD, AGENTS[name](WORLD.space, WORLD.true, [0.01]), 100)
    assert WORLD.space.widest in [proposal.choices for proposal in proposals]


@pytest.mark.parametrize("name", AGENTS)
def test_a_space_without_a_choice(name: str):
    allowed = np.zeros_like(WORLD.space.allowed)
    allowed[:, 5] = True
    world = restricted(WORLD, allowed)
    proposals = explore(world, AGENTS[name](world.space, world.true, BUDGETS), 100)
    assert [proposal.choices for proposal in proposals] == [(5, 5, 5, 5)]


@pytest.mark.parametrize("name", AGENTS)
def test_one_layer(name: str):
    world = one_layer(WORLD)
    proposals = explore(world, AGENTS[name](world.space, world.true, [1.0, 3.0]), 100)
    for budget in (1.0, 3.0):
        assert best_of(world, proposals, budget) <= (0.0 if name == "ilp" else 0.5)


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e9])
def test_any_scale_of_sensitivities(name: str, scale: float):
    """A network that loses nothing, or all."""
    measured = Sensitivities(WORLD.true.weights * scale, WORLD.true.activations * scale)
    world = AdditiveWorld(WORLD.space, measured)
    proposals = explore(world, AGENTS[name](world.space, measured, [1.0]), 100)
    policies = [proposal.choices for proposal in proposals]
    assert (WORLD.space.fastest if scale < 1 else WORLD.space.widest) in policies


@given(spaces())
def test_greedy_steps_are_of_one_layer_and_always_faster(space: Space):
    bits = (space.weight_bits + space.activation_bits).astype(float)
    loss = np.tile(2.0**-bits, (len(space.layers), 1))
    steps = greedy_line(space, Sensitivities(loss, loss))
    assert steps[0] == space.widest
    latencies = [space.latency_of(choices) for choices in steps]
    assert latencies == sorted(set(latencies), reverse=True)
    assert latencies[-1] == space.latency_of(space.fastest)
    for before, after in pairwise(steps):
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    assert all(space.allowed[layer, i] for choices in steps for layer, i in enumerate(choices))


def test_greedy_takes_what_saves_most_for_what_it_loses():
    """By hand: two layers of equal losses, the second one twice as slow."""
    options = tuple(Widths(8, a) for a in (2, 4, 8))
    space = space_of(np.array([[2, 4, 8], [4, 8, 16]]), np.ones((2, 3), bool), options)
    lost = np.array([[9.0, 1.0, 0.0], [9.0, 1.0, 0.0]])
    # Saved for a unit of loss: 4 and 6/9 in the first layer, 8 and 12/9 in the second one; then 2/8 and 4/8.
    steps = greedy_line(space, Sensitivities(lost, np.zeros((2, 3))))
    assert steps == [(2, 2), (2, 1), (1, 1), (1, 0), (0, 0)]

"""Observations and masks against a search through all policies."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rl.agents.toy import toy_features
from rl.spaces import policies, space_of, spaces

from cimc.policy import Widths
from cimc.rl.decisions import OVERRUN, Decisions
from cimc.rl.space import Space
from cimc.runtime.arrays import Array


@st.composite
def cases(draw: st.DrawFn) -> tuple[Space, Array]:
    """A space and the losses of its options: whole numbers, so that sums are exact."""
    space = draw(spaces())
    values = st.lists(st.integers(0, 6), min_size=space.allowed.size, max_size=space.allowed.size)
    return space, np.array(draw(values), float).reshape(space.allowed.shape)


def decisions_for(space: Space, loss: Array) -> Decisions:
    return Decisions(space, toy_features(len(space.layers)), loss)


@given(cases())
def test_actions_and_choices_are_inverse(case: tuple[Space, Array]):
    space, loss = case
    decisions = decisions_for(space, loss)
    assert decisions.layers == len(space.layers)
    assert decisions.count == space.allowed.sum(1).max()
    for choices in policies(space):
        actions = decisions.actions(choices)
        assert decisions.choices(actions) == choices
        for layer, (action, choice) in enumerate(zip(actions, choices, strict=True)):
            assert decisions.widths(layer, action) == space.options[choice]
            assert decisions.loss[layer, action] == loss[layer, choice]
    for choices in product(range(len(space.options)), repeat=len(space.layers)):
        if choices not in policies(space):
            with pytest.raises(IndexError):
                decisions.actions(choices)


@given(cases(), st.lists(st.integers(0, 25), min_size=3, max_size=3), st.integers(1, 9), st.data())
def test_masks_allow_exactly_what_can_still_hold_the_budget(
    case: tuple[Space, Array], lost: list[int], budget: int, data: st.DataObject
):
    """For whole numbers up to 9, no sum is `OVERRUN` times the budget exactly."""
    space, loss = case
    layer = data.draw(st.integers(0, len(space.layers) - 1))
    decisions = decisions_for(space, loss)
    before = torch.tensor(lost).float()
    budgets = torch.full((len(lost),), float(budget))
    options, mask = decisions.observation(layer, torch.zeros(len(lost)), before, budgets)
    assert options.shape == (len(lost), decisions.count, decisions.size)
    assert torch.isfinite(options).all()
    allowed = np.flatnonzero(space.allowed[layer])
    for policy, spent in enumerate(lost):
        # All ways to go on from here, with what they lose altogether.
        total = {
            int(option): min(
                spent + loss[layer, option] + sum(loss[layer + 1 + i, c] for i, c in enumerate(rest))
                for rest in product(*(np.flatnonzero(row) for row in space.allowed[layer + 1 :]))
            )
            for option in allowed
        }
        feasible = {option for option, least in total.items() if least <= OVERRUN * budget}
        least = min(loss[layer, option] for option in allowed)
        expected = feasible or {int(option) for option in allowed if loss[layer, option] == least}
        found = np.flatnonzero(mask[policy].numpy())
        assert set(allowed[found]) == expected
        # The places that are left over in a layer of few options are no options.
        assert (found < len(allowed)).all()


@given(cases(), st.integers(1, 9), st.integers(0, 2**31))
def test_whoever_keeps_to_the_masks_keeps_the_budget_if_that_is_possible(
    case: tuple[Space, Array], budget: int, seed: int
):
    space, loss = case
    decisions = decisions_for(space, loss)
    random = np.random.default_rng(seed)
    cost, lost, budgets = torch.zeros(1), torch.zeros(1), torch.full((1,), float(budget))
    actions: list[int] = []
    for layer in range(decisions.layers):
        _, mask = decisions.observation(layer, cost, lost, budgets)
        actions.append(int(random.choice(np.flatnonzero(mask[0].numpy()))))
        cost = cost + decisions.cost[layer, actions[-1]]
        lost = lost + decisions.loss[layer, actions[-1]]
    choices = decisions.choices(actions)
    least = sum(row[allowed].min() for row, allowed in zip(loss, space.allowed, strict=True))
    rows = range(len(choices))
    assert float(lost) == loss[rows, choices].sum()
    assert loss[rows, choices].sum() <= max(OVERRUN * budget, least)
    slowest = np.where(space.allowed, space.latency_ps, 0).max(1).sum()
    assert float(cost) == pytest.approx(space.latency_of(choices) / slowest)


def test_new_losses_replace_the_old_ones():
    space = space_of(np.ones((2, 2), np.int64), np.ones((2, 2), bool), (Widths(4, 4), Widths(8, 8)))
    decisions = decisions_for(space, np.array([[9.0, 9.0], [9.0, 9.0]]))
    other = np.array([[5.0, 1.0], [5.0, 2.0]])
    decisions.set_loss(other)
    fresh = decisions_for(space, other)
    for layer in range(2):
        for one, two in zip(
            decisions.observation(layer, torch.zeros(1), torch.zeros(1), torch.tensor([4.0])),
            fresh.observation(layer, torch.zeros(1), torch.zeros(1), torch.tensor([4.0])),
            strict=True,
        ):
            assert torch.equal(one, two)


def test_observations_differ_by_option_layer_standing_and_budget():
    """Also among options that cost and lose the same."""
    options = tuple(Widths(w, a) for w in (4, 8) for a in (4, 8))
    space = space_of(np.ones((2, 4), np.int64), np.ones((2, 4), bool), options)
    decisions = decisions_for(space, np.ones((2, 4)))
    cost, lost, budget = torch.tensor([0.0, 0.5, 0.0, 0.0]), torch.zeros(4), torch.tensor([4.0, 4, 8, 4])
    lost[3] = 0.5
    seen = [decisions.observation(layer, cost, lost, budget)[0] for layer in range(2)]
    rows = torch.stack(seen).reshape(-1, decisions.size)
    assert len(np.unique(rows.numpy(), axis=0)) == len(rows) == 2 * 4 * 4


@pytest.mark.parametrize("budget", [1e-6, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("lost", [0.0, 1e-9, 1e6])
def test_observations_stay_small_whatever_the_losses(budget: float, lost: float):
    space = space_of(np.array([[1, 10**15]] * 2), np.ones((2, 2), bool), (Widths(2, 2), Widths(8, 8)))
    decisions = decisions_for(space, np.array([[0.0, 1e5], [1e-12, 0.0]]))
    for layer in range(2):
        options, mask = decisions.observation(
            layer, torch.tensor([1.0]), torch.tensor([lost]), torch.tensor([budget])
        )
        assert mask.any()
        assert float(options.abs().max()) <= 4


def test_layers_of_one_option_can_only_take_it():
    allowed = np.array([[False, True], [True, True]])
    space = space_of(np.ones((2, 2), np.int64), allowed, (Widths(4, 4), Widths(8, 8)))
    decisions = decisions_for(space, np.full((2, 2), 1e9))
    _, mask = decisions.observation(0, torch.zeros(1), torch.zeros(1), torch.ones(1))
    np.testing.assert_array_equal(mask.numpy(), [[True, False]])
    assert decisions.choices([0, 0]) == (1, 0)
    assert Decisions(space, toy_features(2), np.zeros((2, 2))).count == 2

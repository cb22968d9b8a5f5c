"""The dynamic programme against a search through all policies."""

from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimc.rl.knapsack import BINS, cheapest, front
from cimc.rl.space import Choices
from cimc.runtime.arrays import Array

LOSSES = st.one_of(
    st.floats(0, 3), st.integers(0, 4).map(float), st.just(float("inf")), st.floats(1e-9, 1e-3)
)
COSTS = st.one_of(st.integers(0, 6).map(float), st.floats(0, 10), st.just(float("inf")))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Array, Array]:
    """Costs and losses, [layers, options]."""
    layers, options = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    size = layers * options
    cost, loss = (
        np.array(draw(st.lists(values, min_size=size, max_size=size))).reshape(layers, options)
        for values in (COSTS, LOSSES)
    )
    return cost, loss


def _sum(table: Array, choices: Choices) -> float:
    return float(sum(row[i] for row, i in zip(table, choices, strict=True)))


def _every(cost: Array) -> list[Choices]:
    return list(product(*(range(row.size) for row in cost)))


def _best(cost: Array, loss: Array, budget: float) -> float:
    """The least cost within a budget; infinite if there is none."""
    return min((_sum(cost, c) for c in _every(cost) if _sum(loss, c) <= budget), default=float("inf"))


@given(problems(), st.one_of(st.floats(1e-6, 12), st.integers(1, 6).map(float)))
def test_is_within_the_budget_and_as_cheap_as_any_that_is_a_little_more_so(
    problem: tuple[Array, Array], budget: float
):
    """Each layer's loss is rounded up by less than a step, so that nothing cheaper is well within."""
    cost, loss = problem
    found = cheapest(cost, loss, budget)
    well_within = budget * (1 - len(cost) / BINS)
    if found is None:
        assert _best(cost, loss, well_within) == float("inf")
        return
    assert _sum(loss, found) <= budget * (1 + 1e-9)
    assert np.isfinite(_sum(cost, found))
    assert _sum(cost, found) <= _best(cost, loss, well_within) * (1 + 1e-12)


@given(st.data())
def test_is_exact_where_losses_are_whole_steps(data: st.DataObject):
    """Also when a policy takes all of the budget."""
    layers, options = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    table = st.lists(st.integers(0, 8), min_size=layers * options, max_size=layers * options)
    cost, loss = (np.array(data.draw(table), float).reshape(layers, options) for _ in range(2))
    budget = float(data.draw(st.sampled_from([1, 2, 4, 5, 8, 10, 20])))
    found = cheapest(cost, loss, budget)
    assert (float("inf") if found is None else _sum(cost, found)) == _best(cost, loss, budget)


@given(problems())
def test_without_a_budget_there_is_nothing(problem: tuple[Array, Array]):
    for budget in (0.0, -1.0, float("nan")):
        assert cheapest(*problem, budget) is None


def test_no_loss_at_all_is_within_any_budget():
    cost, loss = np.array([[3.0, 1.0], [2.0, 5.0]]), np.zeros((2, 2))
    assert cheapest(cost, loss, 1e-300) == (1, 0)


def test_a_layer_without_options_leaves_nothing():
    cost = np.array([[1.0, 2.0], [np.inf, np.inf]])
    assert cheapest(cost, np.zeros((2, 2)), 1.0) is None
    assert cheapest(np.ones((2, 2)), np.array([[0.0, 0.0], [np.inf, 2.0]]), 1.0) is None


def test_many_layers_lose_little_to_rounding():
    """53 layers, as in a ResNet-50, against the continuous relaxation, which is never dearer."""
    random = np.random.default_rng(0)
    cost = np.sort(random.uniform(1, 100, (53, 20)), axis=1)
    loss = np.sort(random.lognormal(0, 2, (53, 20)), axis=1)[:, ::-1]
    budget = 40.0
    found = cheapest(cost, loss, budget)
    assert found is not None
    assert _sum(loss, found) <= budget
    # For any price of a loss, min(cost + price * loss) - price * budget is a lower bound (Lagrange).
    bounds = [(cost + price * loss).min(1).sum() - price * budget for price in np.geomspace(1e-2, 1e3, 400)]
    assert _sum(cost, found) < max(bounds) * 1.02


@given(problems(), st.lists(st.integers(-2, 24).map(lambda half: half / 2), max_size=6))
def test_a_front_goes_from_small_budgets_to_cheap_policies(
    problem: tuple[Array, Array], budgets: list[float]
):
    cost, loss = problem
    found = front(cost, loss, np.array(budgets))
    assert len(set(found)) == len(found)
    costs = [_sum(cost, choices) for choices in found]
    solved = {cheapest(cost, loss, budget) for budget in budgets}
    assert set(found) == solved - {None}
    # More budget is never dearer.
    assert all(other <= one * (1 + 1e-12) for one, other in pairwise(costs))

"""A line of policies is bisected for each budget."""

from collections.abc import Sequence
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.rl.agents.bisection import BisectionAgent
from cimc.rl.evaluation import Evaluation

drops = st.lists(st.floats(0, 10), max_size=30)
budgets = st.lists(st.floats(-1, 11), min_size=1, max_size=4)


def followed(line: Sequence[float], max_drops: Sequence[float], count: int) -> list[int]:
    """The positions that are evaluated on a line of drops, so many at a time."""
    agent = BisectionAgent([(i,) for i in range(len(line))], max_drops)
    positions: list[int] = []
    while proposals := agent.propose(count):
        assert len(proposals) <= count
        assert all(proposal.max_drop in max_drops for proposal in proposals)
        found = [proposal.choices[0] for proposal in proposals]
        agent.observe([Evaluation((i,), "quick", line[i], 0, 0, 0) for i in found])
        positions += found
    return positions


@given(drops, budgets, st.integers(1, 5))
def test_finds_how_far_each_budget_goes(drops: list[float], max_drops: list[float], count: int):
    line = sorted(drops)
    positions = followed(line, max_drops, count)
    assert len(set(positions)) == len(positions)
    for max_drop in max_drops:
        last = sum(drop <= max_drop for drop in line) - 1
        # That one and the next one were looked at, so that it is known to be the last.
        assert {last, last + 1} & set(range(len(line))) <= set(positions)
    assert len(positions) <= len(max_drops) * ceil(log2(len(line) + 1))


@given(drops, budgets, st.integers(1, 5))
def test_ends_also_where_drops_do_not_grow(drops: list[float], max_drops: list[float], count: int):
    positions = followed(drops, max_drops, count)
    assert len(set(positions)) == len(positions)


def test_budgets_share_evaluations():
    line = [float(i) for i in range(64)]
    one, many = followed(line, [20.5], 4), followed(line, [20.5, 20.7, 20.9], 4)
    assert set(many) == set(one)


@given(drops, budgets)
def test_the_order_of_budgets_does_not_matter(drops: list[float], max_drops: list[float]):
    line = sorted(drops)
    assert set(followed(line, max_drops, 99)) == set(followed(line, max_drops[::-1], 99))


def test_without_policies_there_is_nothing_to_propose():
    assert BisectionAgent([], [1.0]).propose(4) == []


def test_evaluations_of_others_are_taken_in_or_passed_over():
    agent = BisectionAgent([(i,) for i in range(100)], [1.0])
    agent.observe([Evaluation((1000,), "quick", 0, 0, 0, 0)])
    assert agent.propose(1)[0].choices == (49,)
    agent.observe([Evaluation((2,), "quick", 5.0, 0, 0, 0), Evaluation((0,), "quick", 0.5, 0, 0, 0)])
    assert agent.propose(1)[0].choices == (1,)


@pytest.mark.parametrize("drop", [float("nan"), float("inf")])
def test_a_drop_that_is_no_number_is_beyond_any_budget(drop: float):
    assert followed([drop] * 7, [1e9 if drop != drop else 5.0], 1) == [3, 1, 0]

"""Any policy that is allowed."""

from typing import Any

import numpy as np
import pytest
from rl.agents.additive import toy_world
from scipy import stats

from cimc.rl.agents.random import RandomAgent

distributions: Any = stats  # SciPy's functions have no types


def test_draws_every_allowed_option_evenly_and_no_other():
    space = toy_world().space
    allowed = space.allowed
    allowed[0, 3:] = False
    allowed[1, :] = False
    allowed[1, 7] = True
    found = np.array([proposal.choices for proposal in RandomAgent(space, [1.0], 0).propose(3000)])
    assert found.shape == (3000, 4)
    assert set(found[:, 1]) == {7}
    for layer in (0, 2, 3):
        counts = np.bincount(found[:, layer], minlength=14)
        assert (counts[~allowed[layer]] == 0).all()
        assert distributions.chisquare(counts[allowed[layer]]).pvalue > 1e-4
    # Layers are drawn by themselves.
    assert abs(np.corrcoef(found[:, 2], found[:, 3])[0, 1]) < 0.1


@pytest.mark.parametrize("budgets", [[1.0, 3.0], [3.0, 1.0]])
def test_the_seed_decides(budgets: list[float]):
    space = toy_world().space
    one, same, other = (RandomAgent(space, budgets, seed) for seed in (1, 1, 2))
    first = one.propose(5)
    assert first == [*same.propose(2), *same.propose(3)]
    assert first != other.propose(5)
    assert {proposal.max_drop for proposal in first} == {3.0}
    assert one.propose(0) == []

"""Agents that take turns."""

import pytest
from rl.agents.scripted import Scripted, evaluations_of

from cimc.rl.agents.turns import TurnsAgent


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_each_proposes_as_many_as_the_others(count: int):
    agents = [Scripted(name, 100) for name in range(3)]
    turns = TurnsAgent(agents)
    for done in range(count, 5 * count + 1, count):
        assert len(turns.propose(count)) == count
        shares = [agent.proposed for agent in agents]
        assert sum(shares) == done
        assert max(shares) - min(shares) <= 1


def test_all_see_all_evaluations():
    agents = [Scripted(name, 100) for name in range(2)]
    turns = TurnsAgent(agents)
    evaluations = evaluations_of(turns.propose(3))
    turns.observe(evaluations)
    assert [agent.observed for agent in agents] == [evaluations] * 2
    assert {choices[0] for choices in (e.choices for e in evaluations)} == {0, 1}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("most", [(0, 10), (10, 0), (3, 10), (10, 3), (0, 0), (1, 1)])
def test_who_has_more_proposes_for_who_has_none(most: tuple[int, int], count: int):
    """A search ends with the first empty answer."""
    agents = [Scripted(name, number) for name, number in enumerate(most)]
    turns = TurnsAgent(agents)
    proposed = 0
    while found := turns.propose(count):
        assert len(found) == min(count, sum(most) - proposed)
        proposed += len(found)
    assert proposed == sum(most)

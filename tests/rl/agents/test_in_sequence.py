"""Agents that come one after the other."""

import pytest
from rl.agents.scripted import Scripted, evaluations_of

from cimc.rl.agents.in_sequence import InSequence


@pytest.mark.parametrize("most", [(3, 4, 2), (0, 3), (2, 0, 0, 1), (0,), ()])
@pytest.mark.parametrize("count", [1, 2, 10])
def test_each_comes_when_the_one_before_has_no_more(most: tuple[int, ...], count: int):
    agents = [Scripted(name, number) for name, number in enumerate(most)]
    sequence = InSequence(agents)
    order: list[int] = []
    while proposals := sequence.propose(count):
        assert len(proposals) <= count
        # All of one agent, which alone is told of their evaluations.
        assert len({proposal.max_drop for proposal in proposals}) == 1
        sequence.observe(evaluations_of(proposals))
        order += [proposal.choices[0] for proposal in proposals]
    assert order == [name for name, number in enumerate(most) for _ in range(number)]
    for name, agent in enumerate(agents):
        assert [e.choices for e in agent.observed] == [(name, i) for i in range(most[name])]
    assert sequence.propose(count) == []
    sequence.observe([])

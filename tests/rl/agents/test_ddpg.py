"""The paper's agent on a small space."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rl.agents.toy import run, toy_evaluation, toy_features, toy_space

from cimc.rl.agents.ddpg import DdpgAgent, reward_of
from cimc.rl.agents.ddpg_settings import DdpgSettings

SMALL = DdpgSettings(hidden=(8, 8), batch=8, last_warmup=1)
SPACE = toy_space()
LAYERS = len(SPACE.layers)


def _agent(seed: int = 0, episodes: int = 5, settings: DdpgSettings = SMALL) -> DdpgAgent:
    return DdpgAgent(SPACE, toy_features(LAYERS), 2.0, episodes, seed, settings)


@pytest.mark.parametrize(
    ("speedup", "drop", "reward"),
    [(2.5, 1.5, 150.05), (2.5, 2.0, 150), (2.5, 2.5, -5), (0.5, 0, -49.8), (3, -1, 200.3)],
)
def test_reward(speedup: float, drop: float, reward: float):
    assert reward_of(speedup, drop, 2.0) == pytest.approx(reward)


def test_the_seed_alone_decides():
    state = torch.get_rng_state()
    first = [evaluation.choices for evaluation in run(SPACE, _agent())]
    assert torch.equal(torch.get_rng_state(), state)
    random: Any = torch.random  # some of its functions have no types
    with random.fork_rng(devices=[]):
        torch.rand(3)
        assert [evaluation.choices for evaluation in run(SPACE, _agent())] == first
    assert [evaluation.choices for evaluation in run(SPACE, _agent(1))] != first


def test_proposes_as_many_as_are_asked_for_and_no_more_than_its_episodes():
    agent = _agent(episodes=5)
    for asked, given_ in ((0, 0), (3, 3), (3, 2), (3, 0)):
        proposals = agent.propose(asked)
        assert len(proposals) == given_
        assert {proposal.max_drop for proposal in proposals} <= {2.0}
        agent.observe([toy_evaluation(SPACE, proposal.choices) for proposal in proposals])


@given(
    allowed=st.lists(st.sets(st.integers(0, 13), min_size=1), min_size=1, max_size=4), seed=st.integers(0, 99)
)
@settings(max_examples=15)
def test_proposals_are_allowed(allowed: list[set[int]], seed: int):
    mask = np.array([[option in layer for option in range(14)] for layer in allowed])
    names, latency = tuple(map(str, range(len(allowed)))), np.ones_like(mask, np.int64)
    space = replace(SPACE, layers=names, latency_ps=latency, allowed=mask)
    agent = DdpgAgent(space, toy_features(len(allowed)), 1.0, 3, seed, SMALL)
    for evaluation in run(space, agent):
        assert all(mask[layer, option] for layer, option in enumerate(evaluation.choices))
        assert len(evaluation.choices) == len(allowed)


def test_learns_to_keep_the_budget():
    """The mean reward gets far better than that of the random policies of the warm-up."""
    evaluations = run(SPACE, _agent(3, 70, DdpgSettings(hidden=(64, 64))))
    rewards = [reward_of(SPACE.speedup(each.choices), each.drop, 2.0) for each in evaluations]
    assert np.mean(rewards[-20:]) > np.mean(rewards[:21]) + 20

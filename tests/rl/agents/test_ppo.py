"""What only `ppo` does: it explores, learns by imitation and by its own episodes, and edits the IR."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rl.agents.additive import POINTS, AdditiveWorld, explore, toy_world
from rl.agents.dense_module import module_of, with_names
from rl.agents.toy import toy_features

from cimc.rl.agents.ppo import PpoAgent, PpoSettings
from cimc.rl.environment import policy_in
from cimc.rl.surrogate import Surrogate
from cimc.what_if import layers_of

WORLD = toy_world()
SMALL = PpoSettings(hidden=16, clone_steps=100, episodes=400, candidates=32)


def agent_for(settings: PpoSettings, world: AdditiveWorld = WORLD, module: Any = None) -> Any:
    """As a value of any type, for these tests look inside."""
    surrogate = Surrogate(world.space, world.true)
    return PpoAgent(world.space, toy_features(4), surrogate, (1.0, 4.0), 0, settings, module)


def probabilities(agent: Any, episodes: Any) -> Any:
    """Of all actions, by the network as it is now."""
    with torch.no_grad():
        logits = agent._scores(episodes["options"]).masked_fill(~episodes["mask"], -torch.inf)
    return logits.softmax(-1)


def test_episodes_of_training_are_drawn_from_the_networks_probabilities():
    """Not its most likely actions: these would teach nothing about others."""
    agent = agent_for(SMALL)
    seen: list[tuple[Any, Any]] = []
    advantage = agent._advantage

    def spy(episodes: Any) -> Any:
        seen.append((episodes.clone(), probabilities(agent, episodes)))
        return advantage(episodes)

    agent._advantage = spy
    agent.propose(1)
    episodes, p = seen[0]
    taken = torch.gather(p, -1, episodes["action"][..., None])[..., 0]
    assert (taken > 0).all()
    most, action = p.max(-1)
    deviation = (most * (1 - most)).sum().sqrt() / most.numel()
    likeliest = float((action == episodes["action"]).double().mean())
    assert float(most.mean()) < 0.9
    assert likeliest == pytest.approx(float(most.mean()), abs=5 * float(deviation))
    # What it was likely then is what PPO compares with later.
    torch.testing.assert_close(episodes["action_log_prob"], taken.log(), rtol=1e-4, atol=1e-4)


def test_starts_as_a_copy_of_the_knapsack():
    """With right sensitivities and no training besides, it is about as good at once."""
    settings = PpoSettings(clone_steps=600, candidates=8, rate=1e-3)
    agent = agent_for(settings)
    agent._train = lambda: None
    first = agent.propose(2)
    for proposal, budget in zip(first, (1.0, 4.0), strict=True):
        # The budget that it was told is a sample; what it made of it is as fast as any that loses so much.
        drop = POINTS * WORLD.divergence(proposal.choices)
        assert proposal.max_drop == budget
        assert WORLD.space.latency_of(proposal.choices) <= 1.3 * WORLD.best_latency(drop)


def test_learns_from_its_own_episodes():
    """Without anything to copy: mean rewards of episodes rise."""
    settings = PpoSettings(hidden=16, clone_steps=0, episodes=64, rate=5e-3, passes=4)
    agent = agent_for(settings)
    rewards: list[float] = []
    advantage = agent._advantage

    def spy(episodes: Any) -> Any:
        rewards.append(float(episodes["next", "reward"].sum(1).mean()))
        return advantage(episodes)

    agent._advantage = spy
    for _ in range(25):
        agent.propose(0)
    rounds = rewards[:: settings.passes]
    assert len(rounds) == 25
    assert np.mean(rounds[-5:]) > np.mean(rounds[:5]) + 0.2


def test_larger_budgets_give_faster_policies():
    """One network serves all budgets."""
    proposals = explore(WORLD, agent_for(SMALL), 20)
    latency = {
        budget: np.mean([WORLD.space.latency_of(p.choices) for p in proposals if p.max_drop == budget])
        for budget in (1.0, 4.0)
    }
    assert latency[4.0] < 0.8 * latency[1.0]


def test_proposals_go_through_the_ir_and_stay_what_they_are(tmp_path: Path):
    module = module_of(4, tmp_path / "model.onnx")
    world = with_names(WORLD, module)
    agent, without = agent_for(SMALL, world, module), agent_for(SMALL, world)
    assert explore(world, without, 8) == (proposals := explore(world, agent, 8))
    # The module says what was proposed last.
    assert policy_in(layers_of(module)) == world.space.policy(proposals[-1].choices)


def test_even_a_single_draw_for_each_proposal_finds_new_policies():
    """One that is known already is not all there is: less likely ones follow."""
    agent = agent_for(replace(SMALL, candidates=1, episodes=16))
    assert len({proposal.choices for proposal in explore(WORLD, agent, 12)}) == 12

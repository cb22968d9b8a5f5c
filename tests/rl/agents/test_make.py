"""Agents by their names."""

from pathlib import Path

import pytest
from rl.agents.additive import AdditiveWorld, explore, toy_world
from rl.agents.dense_module import module_of, with_names
from rl.agents.toy import toy_features
from xdsl.dialects.builtin import ModuleOp

from cimc.rl.agents.make import AGENTS, DEFAULT_AGENT, AgentName, AgentTask, make_agent
from cimc.rl.surrogate import Sensitivities

BUDGETS = (1.0, 4.0)


@pytest.fixture
def module(tmp_path: Path) -> ModuleOp:
    return module_of(4, tmp_path / "model.onnx")


def task_for(
    world: AdditiveWorld, module: ModuleOp, measured: list[int], seed: int = 0, evaluations: int = 9
) -> AgentTask:
    def sensitivities() -> Sensitivities:
        measured.append(1)
        return world.true

    features = toy_features(len(world.space.layers))
    return AgentTask(module, world.space, features, sensitivities, BUDGETS, evaluations, seed)


@pytest.mark.parametrize("name", AGENTS)
def test_every_name_is_an_agent_that_follows_its_seed(name: AgentName, module: ModuleOp):
    world, measured = with_names(toy_world(), module), list[int]()
    found = [
        explore(world, make_agent(name, task_for(world, module, measured, seed)), 4) for seed in (0, 0, 1)
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 4
    assert (found[0] != found[2]) == (name not in ("ilp", "greedy"))
    assert {proposal.max_drop for proposal in found[0]} <= set(BUDGETS)
    for proposal in found[0]:
        assert world.space.choices(world.space.policy(proposal.choices)) == proposal.choices
    # Measuring takes long: only agents that use sensitivities ask for them, and once.
    assert len(measured) == (0 if name in ("ddpg", "random") else 3)


def test_ddpg_runs_once_for_each_budget_and_shares_the_evaluations(module: ModuleOp):
    world = with_names(toy_world(), module)
    agent = make_agent("ddpg", task_for(world, module, [], evaluations=11))
    proposals = explore(world, agent, 100, 3)
    assert [proposal.max_drop for proposal in proposals] == [1.0] * 6 + [4.0] * 5
    # The second run is not a copy of the first one.
    policies = [proposal.choices for proposal in proposals]
    assert policies[:5] != policies[6:]


def test_the_default_is_one_of_them_and_proposes_of_both(module: ModuleOp):
    assert DEFAULT_AGENT in AGENTS
    world = with_names(toy_world(), module)
    both, ppo, thompson = (
        explore(world, make_agent(name, task_for(world, module, [])), 1, 1)
        if name != DEFAULT_AGENT
        else make_agent(name, task_for(world, module, [])).propose(2)
        for name in (DEFAULT_AGENT, "ppo", "thompson")
    )
    assert both == [*ppo, *thompson]

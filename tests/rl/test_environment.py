"""Episodes in numbers, and episodes that edit the IR."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rl.agents.toy import SENSITIVITY, toy_features, toy_space
from rl.spaces import space_of
from tensordict.nn import TensorDictModule
from tools.tiny_models import MODELS, serialized
from torch import Tensor
from torchrl.envs import utils
from xdsl.dialects.builtin import ModuleOp

from cimc.context import new_context
from cimc.dialects.cim.attributes import PrecisionAttr
from cimc.driver import run_pipeline
from cimc.frontend.importer import import_onnx
from cimc.pipelines import layers_pipeline
from cimc.policy import Widths
from cimc.rl.decisions import OVERRUN, Decisions
from cimc.rl.environment import PolicyEnv, PrecisionEnv, policy_in
from cimc.rl.features import features_of
from cimc.what_if import layers_of

checks: Any = utils  # TorchRL's functions have no types
torch_random: Any = torch.random

SPACE = toy_space()
LOSS = SENSITIVITY[:, None] * (2.0 ** (4 - SPACE.activation_bits) + 2.0 ** (2 - SPACE.weight_bits))
DECISIONS = Decisions(SPACE, toy_features(4), LOSS)
COPIES = 5


def no_reward(actions: Tensor, cost: Tensor, loss: Tensor, budget: Tensor) -> Tensor:
    return torch.zeros_like(cost)


def rising(copies: int) -> Tensor:
    """Budgets from tight to loose."""
    return torch.linspace(0.5, 8, copies)


def at_random(generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Any action that is not masked."""

    def act(mask: Tensor) -> Tensor:
        return torch.multinomial(mask.float(), 1, generator=generator)[:, 0]

    return act


def masked_actor(seed: int = 0) -> Any:
    return TensorDictModule(at_random(torch.Generator().manual_seed(seed)), ["mask"], ["action"])


def environments(module: ModuleOp) -> dict[str, Any]:
    return {
        "numbers": PolicyEnv(DECISIONS, COPIES, rising, no_reward),
        "ir": PrecisionEnv(module, small_decisions(module), torch.ones, no_reward),
    }


def small_decisions(module: ModuleOp) -> Decisions:
    """Four options for each layer, of which the last layer may have the widest one only."""
    options = tuple(Widths(w, a) for w in (3, 8) for a in (2, 7))
    layers = layers_of(module)
    allowed = np.ones((len(layers), len(options)), bool)
    allowed[-1] = [False, False, False, True]
    latency = np.arange(1, allowed.size + 1).reshape(allowed.shape)
    space = space_of(latency, allowed, options)
    return Decisions(space, features_of(layers), np.ones(allowed.shape))


@pytest.fixture
def module(tmp_path: Path) -> ModuleOp:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(MODELS["conv"]()))
    ctx = new_context()
    module = import_onnx(path, ctx.tensors, 1)
    run_pipeline(ctx, module, layers_pipeline())
    return module


@pytest.mark.parametrize("name", ["numbers", "ir"])
def test_keep_their_specs(name: str, module: ModuleOp):
    with torch_random.fork_rng(devices=[]):
        checks.check_env_specs(environments(module)[name], seed=1)


def test_an_episode_judges_whole_policies_by_what_was_summed_up():
    judged: list[tuple[Tensor, ...]] = []

    def reward(*whole: Tensor) -> Tensor:
        judged.append(whole)
        return torch.arange(1.0, COPIES + 1)

    env: Any = PolicyEnv(DECISIONS, COPIES, rising, reward)
    for seed in range(3):  # a second episode has forgotten the first one
        judged.clear()
        episode = env.rollout(100, masked_actor(seed))
        assert episode.shape == (COPIES, 4)
        [(actions, cost, loss, budget)] = judged
        assert torch.equal(actions, episode["action"])
        assert torch.equal(budget, rising(COPIES))
        for policy in range(COPIES):
            choices = DECISIONS.choices([int(action) for action in actions[policy]])
            assert float(loss[policy]) == pytest.approx(LOSS[range(4), choices].sum())
            slowest = SPACE.latency_ps.max(1).sum()
            assert float(cost[policy]) == pytest.approx(SPACE.latency_of(choices) / slowest)
        expected = torch.zeros(COPIES, 4)
        expected[:, -1] = torch.arange(1.0, COPIES + 1)
        assert torch.equal(episode["next", "reward"][..., 0], expected)
        done = torch.zeros(COPIES, 4, dtype=torch.bool)
        done[:, -1] = True
        assert torch.equal(episode["next", "terminated"][..., 0], done)
        assert torch.equal(episode["next", "done"][..., 0], done)


def test_observations_are_those_of_the_decisions():
    env: Any = PolicyEnv(DECISIONS, COPIES, rising, no_reward)
    episode = env.rollout(4, masked_actor())
    cost = loss = torch.zeros(COPIES)
    for layer in range(4):
        options, mask = DECISIONS.observation(layer, cost, loss, rising(COPIES))
        assert torch.equal(episode["options"][:, layer], options)
        assert torch.equal(episode["mask"][:, layer], mask)
        cost = cost + DECISIONS.cost[layer][episode["action"][:, layer]]
        loss = loss + DECISIONS.loss[layer][episode["action"][:, layer]]


def test_masked_episodes_hold_their_budgets():
    """The widest policy loses 0.42, so that all budgets can be held."""
    lost: list[Tensor] = []

    def reward(actions: Tensor, cost: Tensor, loss: Tensor, budget: Tensor) -> Tensor:
        lost.append(loss / budget)
        return torch.zeros_like(cost)

    env: Any = PolicyEnv(DECISIONS, 200, rising, reward)
    env.rollout(4, masked_actor())
    assert float(lost[0].max()) <= OVERRUN + 1e-5
    # Some tight budgets are used up: masks are not tighter than they need be.
    assert float(lost[0][:100].max()) > 1


def test_play_writes_widths_on_the_layers(module: ModuleOp):
    decisions = small_decisions(module)
    env = PrecisionEnv(module, decisions, torch.ones, no_reward)
    layers = layers_of(module)
    names = [layer.layer.data for layer in layers]
    expected = [Widths(8, 2), Widths(3, 7), Widths(8, 7)]
    # The last layer has one option: its first.
    assert env.play([2, 1, 0], 1.0) == dict(zip(names, expected, strict=True))
    found = [(p.weight, p.activation) for layer in layers if (p := layer.precision) is not None]
    assert found == [(8, 2), (3, 7), (8, 7)]
    text = str(module)
    for widths in expected:
        assert f"#cim.precision<weight {widths.weight_bits}, activation {widths.activation_bits}>" in text
    # The next one takes nothing over.
    assert list(env.play([0, 0, 0], 5.0).values()) == [Widths(3, 2), Widths(3, 2), Widths(8, 7)]
    assert list(policy_in(layers).values()) == [Widths(3, 2), Widths(3, 2), Widths(8, 7)]


def test_each_step_writes_one_layer(module: ModuleOp):
    env: Any = PrecisionEnv(module, small_decisions(module), torch.ones, no_reward)
    layers = layers_of(module)
    state = env.reset()
    before = [layer.precision for layer in layers]
    first = PrecisionAttr(3, 2)
    for layer in range(len(layers)):
        assert [other.precision for other in layers] == [*[first] * layer, *before[layer:]]
        state["action"] = torch.tensor([0])
        state = env.step(state)["next"]
    assert [other.precision for other in layers] == [first, first, PrecisionAttr(8, 7)]
    module.verify()


def test_all_policies_of_the_decisions_go_through_the_ir_and_back(module: ModuleOp):
    decisions = small_decisions(module)
    env = PrecisionEnv(module, decisions, torch.ones, no_reward)
    for actions in [(i, j, 0) for i in range(4) for j in range(4)]:
        choices = decisions.choices(actions)
        policy = env.play(actions, 1.0)
        assert list(policy.values()) == [decisions.space.options[choice] for choice in choices]

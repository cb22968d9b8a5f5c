"""An update of the learner against the formulas in plain torch."""

import copy
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import nn

from cimc.rl.agents.ddpg_learner import DdpgLearner
from cimc.rl.agents.ddpg_settings import DdpgSettings

SETTINGS = DdpgSettings(hidden=(7, 5), batch=3, memory_per_layer=4, target_rate=0.25)


def _transition(*, last: bool) -> Any:
    done = torch.tensor([last])
    after = {
        "observation": torch.tensor([0.5, 1.0]),
        "reward": torch.tensor([3.0]),
        "done": done,
        "terminated": done,
    }
    return TensorDict(
        {"observation": torch.tensor([0.25, 0.0]), "action": torch.tensor([0.75]), "next": after}
    )


def _linear(parts: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    return nn.functional.linear(x, parts[f"{name}.weight"], parts[f"{name}.bias"])


def _actor(parts: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    hidden = torch.relu(_linear(parts, "module.2", torch.relu(_linear(parts, "module.0", x))))
    return torch.sigmoid(_linear(parts, "module.4", hidden))


def _critic(parts: dict[str, torch.Tensor], x: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
    first = _linear(parts, "module.observation", x) + _linear(parts, "module.action", action)
    return _linear(parts, "module.value.3", torch.relu(_linear(parts, "module.value.1", torch.relu(first))))


def _parts(learner: Any, name: str) -> dict[str, torch.Tensor]:
    """The parameters of a network of the learner's loss, by their names."""
    parameters: Any = getattr(learner._loss, name)
    return {".".join(key): value for key, value in parameters.items(True, True)}


@pytest.mark.parametrize("last", [False, True])
def test_update_follows_the_formulas(last: bool):
    learner: Any = DdpgLearner(2, 1, SETTINGS, torch.Generator().manual_seed(5))
    names = ("actor_network_params", "value_network_params")
    actor, critic = (
        {k: v.detach().clone().requires_grad_() for k, v in _parts(learner, n).items()} for n in names
    )
    targets = copy.deepcopy((actor, critic))
    optimisers = [
        torch.optim.Adam(critic.values(), SETTINGS.critic_rate),
        torch.optim.Adam(actor.values(), SETTINGS.actor_rate),
    ]
    seen = _transition(last=last)
    x, y, action = seen["observation"], seen["next", "observation"], seen["action"]
    learner.remember(seen)
    for _ in range(4):
        learner.update()
        # The baseline is the reward, for it is always the same.
        goal = torch.zeros(1) if last else _critic(targets[1], y, _actor(targets[0], y)).detach()
        losses: list[Any] = [
            lambda: (_critic(critic, x, action) - goal).square(),  # noqa: B023
            lambda: -_critic(critic, x, _actor(actor, x)),
        ]
        for optimiser, loss in zip(optimisers, losses, strict=True):
            step: Any = optimiser
            step.zero_grad()
            loss().backward()
            step.step()
        with torch.no_grad():
            for target, source in zip(targets, (actor, critic), strict=True):
                for key, value in target.items():
                    value.mul_(0.75).add_(0.25 * source[key])
    for name, expected in zip(names, (actor, critic), strict=True):
        for key, value in _parts(learner, name).items():
            torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-6)
    for name, expected in zip(names, targets, strict=True):
        for key, value in _parts(learner, f"target_{name}").items():
            torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-6)

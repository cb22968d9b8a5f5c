"""An episode over the layers of a small space."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from rl.agents.toy import OPTIONS, toy_features, toy_space
from torch import Tensor
from torchrl.envs import utils

from cimc.policy import Widths
from cimc.rl.continuous_env import ContinuousEnv


def _env() -> Any:
    return ContinuousEnv(toy_space(), toy_features(4))


def _always(action: float) -> Callable[[Tensor], Tensor]:
    def act(observation: Tensor) -> Tensor:
        return torch.tensor([action])

    return act


def test_keeps_its_specs():
    random: Any = torch.random  # some functions of torch and TorchRL have no types
    checks: Any = utils
    with random.fork_rng(devices=[]):
        checks.check_env_specs(_env(), seed=1)


@pytest.mark.parametrize(
    ("action", "widths"), [(0.0, Widths(4, 2)), (0.5, Widths(8, 5)), (1.0, Widths(8, 8))]
)
def test_an_action_is_a_width(action: float, widths: Widths):
    env = _env()
    env.rollout(8, _always(action))
    assert [OPTIONS[choice] for choice in env.choices] == [widths] * 4


def test_observations_tell_what_was_chosen_last_and_what_is_next():
    episode = _env().rollout(100, _always(0.5))
    assert episode["observation"][:, -2].tolist() == [1.0, 1.0, *[5 / 8, 1.0] * 3]
    assert episode["observation"][:, -1].tolist() == [1.0, 0.0] * 4
    assert episode["observation"][::2, -3].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert episode["next", "terminated"].flatten().tolist() == [False] * 7 + [True]


def test_takes_the_nearest_allowed_activations_and_the_wider_of_two():
    space = toy_space()
    taken = {Widths(8, 2), Widths(8, 4), Widths(8, 6), Widths(4, 3)}
    mask = np.array([[option in taken for option in OPTIONS]] * 4)
    env: Any = ContinuousEnv(replace(space, allowed=mask), toy_features(4))

    def act(observation: Tensor) -> Tensor:
        return torch.where(observation[-1:] == 1, 0.9, 0.3)

    env.rollout(8, act)
    # The four widths 2, 3, 4 and 6 of activations have equal shares.
    assert [OPTIONS[choice] for choice in env.choices] == [Widths(8, 4)] * 4

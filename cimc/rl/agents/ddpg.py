"""The agent of the paper (Pelke et al., DATE 2026) and of CIM-AQ, its code: HAQ's (Wang et al., CVPR 2019).

One run is for one budget. An episode is a policy; nothing of it is worth anything until it was evaluated, so
all its transitions get the reward of the whole.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cimc.rl.agents.ddpg_learner import DdpgLearner
from cimc.rl.agents.ddpg_settings import DdpgSettings
from cimc.rl.agents.truncated_normal import truncated_normal
from cimc.rl.continuous_env import ContinuousEnv
from cimc.rl.evaluation import Evaluation, Proposal
from cimc.rl.features import LayerFeatures
from cimc.rl.space import Space


def reward_of(speedup: float, drop: float, max_drop: float) -> float:
    """What a policy is worth: `reward` in CIM-AQ's lib/env/linear_quantize_env.py.

    Drops are points of top-1 in percent. Within the budget the reward is 100 for each time of speedup above
    1, and a tenth for each point that is left; outside it is -10 for each point too many.
    """
    left = max_drop - drop
    return 100 * (speedup - 1) + 0.1 * left if left >= 0 else 10 * left


class DdpgAgent:
    """Proposes `episodes` policies for a budget of `max_drop` points; the seed decides all."""

    def __init__(
        self,
        space: Space,
        features: Sequence[LayerFeatures],
        max_drop: float,
        episodes: int,
        seed: int,
        settings: DdpgSettings | None = None,
    ) -> None:
        self._space = space
        self._max_drop = max_drop
        self._episodes = episodes
        self._settings = settings or DdpgSettings()
        self._generator = torch.Generator().manual_seed(seed)
        self._env = ContinuousEnv(space, features)
        self._learner = DdpgLearner(self._env.inputs, len(features), self._settings, self._generator)
        self._proposed = 0
        self._observed = 0
        self._pending: deque[Any] = deque()
        """The transitions of each episode that was proposed and not yet observed."""

    def propose(self, count: int) -> list[Proposal]:
        """At most `count` policies to evaluate next; none after all episodes."""
        count = min(count, self._episodes - self._proposed)
        return [self._run_episode() for _ in range(count)]

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Learns from the evaluations of what was proposed last, in the same order."""
        for evaluation in evaluations:
            speedup = self._space.speedup(evaluation.choices)
            self._learn(self._pending.popleft(), reward_of(speedup, evaluation.drop, self._max_drop))

    def _run_episode(self) -> Proposal:
        policy = self._act_randomly if self._proposed <= self._settings.last_warmup else self._act
        env: Any = self._env
        self._pending.append(env.rollout(self._env.steps, policy))
        self._proposed += 1
        return Proposal(self._env.choices, self._max_drop)

    # TorchRL passes the part of its TensorDict that a policy's parameter is named after.

    def _act_randomly(self, observation: Tensor) -> Tensor:
        return torch.rand(1, generator=self._generator)

    def _act(self, observation: Tensor) -> Tensor:
        decays = self._proposed - self._settings.last_warmup
        noise = self._settings.noise * self._settings.noise_decay**decays
        return truncated_normal(self._learner.act(observation), noise, self._generator)

    def _learn(self, episode: Any, reward: float) -> None:
        """Remembers an episode's transitions; after the warm-up, an update follows each of them."""
        episode.get(("next", "reward")).fill_(reward)
        for transition in episode.unbind(0):
            self._learner.remember(transition)
            if self._observed > self._settings.last_warmup:
                self._learner.update()
        self._observed += 1

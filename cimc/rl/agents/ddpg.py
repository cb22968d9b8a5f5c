"""The agent of the paper (Pelke et al., DATE 2026) and its code CIM-AQ, which is HAQ's (Wang et al., CVPR 2019).

One run is for one budget. An episode is a policy; nothing of it is worth anything until it was evaluated, so
all its transitions get the reward of the whole.
"""

from collections import deque
from collections.abc import Sequence

import torch
from tensordict import TensorDictBase

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
        inputs = self._env.observation_spec["observation"].shape[0]
        self._learner = DdpgLearner(inputs, len(features), self._settings, self._generator)
        self._proposed = 0
        self._observed = 0
        self._pending: deque[TensorDictBase] = deque()
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
        self._pending.append(self._env.rollout(self._env.steps, policy))
        self._proposed += 1
        return Proposal(self._env.choices, self._max_drop)

    def _act_randomly(self, observed: TensorDictBase) -> TensorDictBase:
        return observed.set("action", torch.rand(1, generator=self._generator))

    def _act(self, observed: TensorDictBase) -> TensorDictBase:
        decays = self._proposed - self._settings.last_warmup
        noise = self._settings.noise * self._settings.noise_decay**decays
        with torch.no_grad():
            action = self._learner.actor(observed).get("action")
        return observed.set("action", truncated_normal(action, noise, self._generator))

    def _learn(self, episode: TensorDictBase, reward: float) -> None:
        """Remembers an episode's transitions; after the warm-up, an update follows each of them."""
        episode.get(("next", "reward")).fill_(reward)
        for transition in episode.unbind(0):
            self._learner.remember(transition)
            if self._observed > self._settings.last_warmup:
                self._learner.update()
        self._observed += 1

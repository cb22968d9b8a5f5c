"""Deep deterministic policy gradients (Lillicrap et al., ICLR 2016), updated as CIM-AQ does."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam
from torchrl.data import LazyTensorStorage, ReplayBuffer
from torchrl.objectives import DDPGLoss, SoftUpdate, ValueEstimators

from cimc.rl.agents.ddpg_networks import actor_network, critic_network
from cimc.rl.agents.ddpg_settings import DdpgSettings


class DdpgLearner:
    """An actor, a critic, their slow targets, and a memory of transitions.

    A transition is a TensorDict as environments' rollouts have them. Batches are drawn with
    replacement, those of CIM-AQ without. `Any` is for what torch, tensordict and TorchRL leave untyped.
    """

    def __init__(self, inputs: int, layers: int, settings: DdpgSettings, generator: torch.Generator) -> None:
        # Networks take their first weights from torch's global generator; it is left as it was.
        random: Any = torch.random
        with random.fork_rng(devices=[]):
            random.manual_seed(int(torch.randint(1 << 62, (), generator=generator)))
            self._actor: Any = actor_network(inputs, settings.hidden)
            critic = critic_network(inputs, settings.hidden)
            self._loss: Any = DDPGLoss(self._actor, critic, delay_actor=True, delay_value=True)
        self._loss.make_value_estimator(ValueEstimators.TD0, gamma=settings.discount)
        self._targets = SoftUpdate(self._loss, tau=settings.target_rate)
        self._actor_optimiser: Any = Adam(self._actor.parameters(), settings.actor_rate)
        self._critic_optimiser: Any = Adam(critic.parameters(), settings.critic_rate)
        self._memory = ReplayBuffer(
            storage=LazyTensorStorage(settings.memory_per_layer * layers),
            batch_size=settings.batch,
            generator=generator,
        )
        self._baseline_rate = settings.baseline_rate
        self._baseline: float | None = None

    @torch.no_grad()
    def act(self, observation: Tensor) -> Tensor:
        """What the actor does, [1], given an observation [inputs]."""
        return self._actor.module(observation)

    def remember(self, transition: Any) -> None:
        """Adds a transition to the memory; the oldest makes room."""
        self._memory.add(transition)

    def update(self) -> None:
        """Learns from a random batch: first the critic, then the actor from the new critic."""
        batch = self._memory.sample()
        self._subtract_baseline(batch)
        value_loss, _ = self._loss.loss_value(batch)
        self._critic_optimiser.zero_grad()
        value_loss.backward()
        self._critic_optimiser.step()
        actor_loss, _ = self._loss.loss_actor(batch)
        self._actor_optimiser.zero_grad()
        actor_loss.backward()
        self._actor_optimiser.step()
        self._targets.step()

    def _subtract_baseline(self, batch: Any) -> None:
        """Takes the moving average of batches' mean rewards from a batch's rewards."""
        rewards = batch.get(("next", "reward"))
        mean = float(rewards.mean())
        if self._baseline is None:
            self._baseline = mean
        self._baseline += self._baseline_rate * (mean - self._baseline)
        batch.set(("next", "reward"), rewards - self._baseline)

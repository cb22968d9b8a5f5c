"""How far a training is: all that its next step depends on."""

from typing import Any

import torch
from torch import Tensor

from cimc.rl.network.network import Network
from cimc.rl.network.parameters import parameters_of, set_parameters


class TrainingProgress:
    """The parameters of a network in training, the optimiser, and which pictures come next."""

    def __init__(self, network: Network, rate: float, steps: int, seed: int) -> None:
        """At the start: Adam, and one cycle of the learning rate over `steps`, up to `rate`."""
        self._network = network
        self.optimizer: Any = torch.optim.Adam(network.parameters(), rate)
        self._schedule: Any = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, rate, total_steps=steps + 1)
        self.generator = torch.Generator().manual_seed(seed)
        self._order = torch.empty(0, dtype=torch.int64)
        self.step = 0
        """Steps that are done."""

    def next_batch(self, batch: int, count: int) -> Tensor:
        """Indices of the next pictures out of `count`, [batch]; each is seen once before any comes again."""
        if len(self._order) < batch:
            self._order = torch.cat([self._order, torch.randperm(count, generator=self.generator)])
        chosen, self._order = self._order[:batch], self._order[batch:]
        return chosen

    def advance(self) -> None:
        """A step along the gradients."""
        self.optimizer.step()
        self._schedule.step()
        self.step += 1

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {
            "parameters": parameters_of(self._network),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "generator": self.generator.get_state(),
            "order": self._order,
            "step": self.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from where another progress of the same training was."""
        set_parameters(self._network, state["parameters"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        self._order, self.step = state["order"], state["step"]

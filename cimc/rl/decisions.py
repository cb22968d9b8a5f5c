"""What an agent sees when it decides about a layer: the layer, its options, and how the policy stands."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cimc.policy import Widths
from cimc.rl.features import LayerFeatures
from cimc.rl.space import Choices, Space
from cimc.rl.tensors import tensor_of
from cimc.runtime.arrays import Array

OVERRUN = 1.3
"""Options are masked that would take a policy so many times beyond its budget, even if all later layers were
as wide as they may be: the estimates are not exact."""


class Decisions:
    """Observations and masks for decisions about the layers, one after the other, of many policies at once.

    A layer's options are those that its space allows, `count` at most, in the order of the space.
    """

    def __init__(self, space: Space, features: Sequence[LayerFeatures], loss: Array) -> None:
        """`loss` is what each option is expected to lose, [layers, options]; a budget is in its unit."""
        self.space = space
        allowed = [np.flatnonzero(row) for row in space.allowed]
        self.count = max(map(len, allowed))
        self._indices = np.stack([np.resize(indices, self.count) for indices in allowed])
        valid = np.array([[i < len(indices) for i in range(self.count)] for indices in allowed])
        self._valid = tensor_of(valid)
        rows = np.arange(len(allowed))[:, None]
        latency = space.latency_ps[rows, self._indices]
        widest = latency.max(1, where=valid, initial=0)
        self.cost = tensor_of(latency / widest.sum()).float()
        """Latency over that of the slowest policy, [layers, count]."""
        widths = np.stack([space.weight_bits[self._indices], space.activation_bits[self._indices]], -1)
        layers = torch.tensor([feature.vector() for feature in features])
        position = torch.arange(len(allowed))[:, None] / len(allowed)
        share = tensor_of(widest / widest.sum()).float()[:, None]
        by_layer = torch.cat([layers, position, share], 1)[:, None].expand(-1, self.count, -1)
        by_option = tensor_of(np.concatenate([widths / 8, (latency / widest[:, None])[..., None]], -1))
        self._fixed = torch.cat([by_layer, by_option.float()], -1)
        self.set_loss(loss)

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.cost)

    @property
    def size(self) -> int:
        """Numbers that describe an option."""
        return self._fixed.shape[-1] + 5

    def set_loss(self, loss: Array) -> None:
        """What options are expected to lose now."""
        self.loss = self.of_options(loss)
        """[layers, count]."""
        least = torch.where(self._valid, self.loss, torch.inf).amin(1)
        self._later = torch.flip(torch.cumsum(torch.flip(least, [0]), 0), [0]) - least
        """The least that later layers lose, [layers]."""

    def of_options(self, values: Array) -> Tensor:
        """[layers, options] of the space as [layers, count] of the decisions."""
        return tensor_of(values[np.arange(self.layers)[:, None], self._indices]).float()

    def observation(self, layer: int, cost: Tensor, loss: Tensor, budget: Tensor) -> tuple[Tensor, Tensor]:
        """Each option of a layer in numbers, [policies, count, size], and whether it may be taken.

        `cost` and `loss` are those of the layers before, `budget` what the policy may lose; [policies] each.
        """
        after = (loss[:, None] + self.loss[layer] + self._later[layer]) / budget[:, None]
        mask = self._valid[layer] & (after <= OVERRUN)
        least = torch.where(self._valid[layer], self.loss[layer], torch.inf)
        mask = mask | ((~mask.any(1, keepdim=True)) & (least == least.amin()))
        standing = torch.stack([cost, torch.log10(budget) / 4, (loss / budget).clamp(max=4)], -1)
        standing = standing[:, None].expand(-1, self.count, -1)
        own = (self.loss[layer] / budget[:, None]).clamp(1e-6, 4)
        varying = torch.stack([torch.log10(own) / 4, after.clamp(max=4)], -1)
        fixed = self._fixed[layer].expand(len(cost), -1, -1)
        return torch.cat([fixed, standing, varying], -1), mask

    def widths(self, layer: int, action: int) -> Widths:
        """What an action gives a layer."""
        return self.space.options[int(self._indices[layer, action])]

    def choices(self, actions: Sequence[int]) -> Choices:
        """The policy of one action a layer."""
        return tuple(int(self._indices[layer, action]) for layer, action in enumerate(actions))

    def actions(self, choices: Sequence[int]) -> list[int]:
        """The inverse of `choices`."""
        return [int(np.flatnonzero(self._indices[layer] == c)[0]) for layer, c in enumerate(choices)]

"""An episode of CIM-AQ's agent: two steps a layer, each an action in [0, 1]."""

from collections.abc import Sequence
from typing import Any

import torch
from tensordict import TensorDict, TensorDictBase
from torchrl.data import Bounded, Composite, Unbounded
from torchrl.envs import EnvBase

from cimc.policy import MAX_BITS
from cimc.rl.features import LayerFeatures
from cimc.rl.layer_states import layer_states
from cimc.rl.space import Choices, Space
from cimc.rl.width_bins import option_for, weight_bits_for


class ContinuousEnv(EnvBase):
    """Goes over the layers; each one's weights get their width first, then its activations.

    An observation is float32 [10]: the layer (`layer_states`), the width that was chosen last over the
    greatest one, and 1 if weights are next, 0 if activations. CIM-AQ has these too, but there the last one is
    inverted, the first observation has what is left from the episode before, and layers that must have 8
    bits say what the action stood for; here all are what they are meant to be. Rewards are 0: what a policy
    is worth is only known when it was evaluated.
    """

    def __init__(self, space: Space, features: Sequence[LayerFeatures]) -> None:
        base: Any = super()  # its types are not complete
        base.__init__()
        self._space = space
        self._layers = torch.tensor(layer_states(features), dtype=torch.float32)
        self.observation_spec = Composite(observation=Unbounded(torch.Size([self.inputs])))
        self.action_spec = Bounded(0, 1, torch.Size([1]))
        self.reward_spec = Unbounded(torch.Size([1]))
        self._start()

    @property
    def inputs(self) -> int:
        """Numbers in an observation."""
        return self._layers.shape[1] + 2

    @property
    def steps(self) -> int:
        """Of an episode."""
        return 2 * len(self._layers)

    @property
    def choices(self) -> Choices:
        """What was chosen in this episode, for as many layers as are done."""
        return tuple(self._choices)

    def _start(self) -> None:
        self._choices: list[int] = []
        self._weight_bits: int | None = None
        """Of the present layer, once they are chosen."""
        self._last_bits = MAX_BITS

    def _reset(self, tensordict: TensorDictBase | None = None, **kwargs: object) -> TensorDictBase:
        self._start()
        return TensorDict({"observation": self._observation()})

    def _step(self, tensordict: Any) -> TensorDictBase:
        self._choose(float(tensordict["action"]))
        done = torch.tensor([len(self._choices) == len(self._layers)])
        return TensorDict(
            {
                "observation": self._observation(),
                "reward": torch.zeros(1),
                "done": done,
                "terminated": done.clone(),
            }
        )

    def _choose(self, action: float) -> None:
        layer = len(self._choices)
        if self._weight_bits is None:
            self._weight_bits = self._last_bits = weight_bits_for(self._space, layer, action)
            return
        option = option_for(self._space, layer, self._weight_bits, action)
        self._choices.append(option)
        self._weight_bits = None
        self._last_bits = int(self._space.activation_bits[option])

    def _observation(self) -> torch.Tensor:
        layer = min(len(self._choices), len(self._layers) - 1)
        dynamic = torch.tensor([self._last_bits / MAX_BITS, float(self._weight_bits is None)])
        return torch.cat([self._layers[layer], dynamic])

    def _set_seed(self, seed: int | None) -> None:
        """Nothing here is random."""

"""The environments of TorchRL: an episode goes through the layers and gives each its widths."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from tensordict import TensorDict, TensorDictBase
from torch import Tensor
from torchrl.data import Binary, Categorical, Composite, Unbounded
from torchrl.envs import EnvBase
from xdsl.dialects.builtin import ModuleOp
from xdsl.pattern_rewriter import PatternRewriter

from cimc.dialects.cim.attributes import PrecisionAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.policy import Policy, Widths
from cimc.rl.decisions import Decisions
from cimc.what_if import layers_of


class PolicyEnv(EnvBase):
    """Makes `copies` policies at a time. It observes what `Decisions` tells; the reward comes at the end.

    `begin` gives the budgets of new episodes, [copies]; `reward` judges whole episodes: actions
    [copies, layers], their cost and loss, and budgets, [copies] each.
    """

    def __init__(
        self,
        decisions: Decisions,
        copies: int,
        begin: Callable[[int], Tensor],
        reward: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    ) -> None:
        base: Any = super()  # its types are not complete
        base.__init__(batch_size=[copies])
        self._decisions, self._copies, self._begin, self._judge = decisions, copies, begin, reward
        batch, shape = torch.Size([copies]), torch.Size([copies, decisions.count])
        self.observation_spec = Composite(
            options=Unbounded(torch.Size([*shape, decisions.size])),
            mask=Binary(shape=shape, dtype=torch.bool),
            shape=batch,
        )
        self.action_spec = Categorical(decisions.count, shape=batch)
        self.reward_spec = Unbounded(torch.Size([copies, 1]))
        self._layer = 0

    def _observation(self) -> dict[str, Tensor]:
        # After the last layer there is nothing to see; the last one is shown again.
        layer = min(self._layer, self._decisions.layers - 1)
        options, mask = self._decisions.observation(layer, self._cost, self._loss, self._budget)
        return {"options": options, "mask": mask}

    def _reset(self, tensordict: TensorDictBase | None = None, **kwargs: Any) -> TensorDictBase:
        self._layer = 0
        self._budget = self._begin(self._copies)
        self._cost, self._loss = torch.zeros(self._copies), torch.zeros(self._copies)
        self._actions: list[Tensor] = []
        return TensorDict(cast(Any, self._observation()), batch_size=[self._copies])

    def _step(self, tensordict: TensorDictBase) -> TensorDictBase:
        action = cast(Tensor, tensordict["action"])
        self._take(action)
        self._actions.append(action)
        self._cost = self._cost + self._decisions.cost[self._layer][action]
        self._loss = self._loss + self._decisions.loss[self._layer][action]
        self._layer += 1
        done = torch.full((self._copies, 1), self._layer == self._decisions.layers)
        reward = torch.zeros(self._copies)
        if self._layer == self._decisions.layers:
            reward = self._judge(torch.stack(self._actions, 1), self._cost, self._loss, self._budget)
        result = {**self._observation(), "reward": reward[:, None], "done": done, "terminated": done.clone()}
        return TensorDict(cast(Any, result), batch_size=[self._copies])

    def _take(self, action: Tensor) -> None:
        """What an action does besides; nothing here."""

    def _set_seed(self, seed: int | None) -> None:
        pass  # nothing is left to chance but what `begin` draws


class PrecisionEnv(PolicyEnv):
    """The environment whose state is the IR: an action writes `#cim.precision` on one layer of a module."""

    def __init__(
        self,
        module: ModuleOp,
        decisions: Decisions,
        begin: Callable[[int], Tensor],
        reward: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    ) -> None:
        super().__init__(decisions, 1, begin, reward)
        self.module = module
        self._layers = layers_of(module)

    def play(self, actions: Sequence[int], budget: float) -> Policy:
        """Takes an action a layer, and gives the policy that the IR says then."""
        self._begin = _constant(budget)
        env: Any = self  # its types are not complete
        state = env.reset()
        for action in actions:
            state["action"] = torch.tensor([action])
            state = env.step(state)["next"]
        return policy_in(self._layers)

    def _take(self, action: Tensor) -> None:
        layer = self._layers[self._layer]
        widths = self._decisions.widths(self._layer, int(action))
        layer.precision = PrecisionAttr(widths.weight_bits, widths.activation_bits)
        PatternRewriter(layer).notify_op_modified(layer)


def _constant(budget: float) -> Callable[[int], Tensor]:
    def begin(copies: int) -> Tensor:
        return torch.full((copies,), budget)

    return begin


def policy_in(layers: Sequence[LayerOp]) -> Policy:
    """The widths that layers have in the IR. All must have some."""
    policy: dict[str, Widths] = {}
    for layer in layers:
        assert layer.precision is not None
        policy[layer.layer.data] = Widths(layer.precision.weight, layer.precision.activation)
    return policy

"""The actor and the critic of CIM-AQ's agent (lib/rl/ddpg.py)."""

import torch
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.modules import ValueOperator


def actor_network(inputs: int, hidden: tuple[int, int]) -> TensorDictModule:
    """From an observation to an action in [0, 1]."""
    layers = nn.Sequential(
        nn.Linear(inputs, hidden[0]),
        nn.ReLU(),
        nn.Linear(hidden[0], hidden[1]),
        nn.ReLU(),
        nn.Linear(hidden[1], 1),
        nn.Sigmoid(),
    )
    return TensorDictModule(layers, in_keys=["observation"], out_keys=["action"])


def critic_network(inputs: int, hidden: tuple[int, int]) -> ValueOperator:
    """From an observation and an action to what it is worth."""
    return ValueOperator(_Critic(inputs, hidden), in_keys=["observation", "action"])


class _Critic(nn.Module):
    def __init__(self, inputs: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        self.observation = nn.Linear(inputs, hidden[0])
        # A layer of its own gives the action far greater first weights than one of all inputs would.
        self.action = nn.Linear(1, hidden[0])
        self.value = nn.Sequential(
            nn.ReLU(), nn.Linear(hidden[0], hidden[1]), nn.ReLU(), nn.Linear(hidden[1], 1)
        )

    def forward(self, observation: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return self.value(self.observation(observation) + self.action(action))

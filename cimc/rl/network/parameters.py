"""The parameters of a network as bytes, and back."""

import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cimc.rl.network.network import Network


def parameters_of(network: Network) -> dict[str, Tensor]:
    """The parameters by name, as they are until the network is trained on."""
    return {name: parameter.detach() for name, parameter in network.named_parameters()}


@torch.no_grad()
def set_parameters(network: Network, parameters: Mapping[str, Tensor]) -> None:
    """Gives a network the parameters of another one."""
    # Not with `load_state_dict`, for which Brevitas makes its quantisers anew: of the default width.
    for name, parameter in network.named_parameters():
        parameter.copy_(parameters[name])


def packed(state: Mapping[str, Any]) -> bytes:
    """Tensors and numbers as bytes."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, Any]:
    """The inverse of `packed`. Raises whatever torch makes of other bytes."""
    return torch.load(io.BytesIO(content), weights_only=True)

"""Activation functions."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cimc.rl.network.operators.export import Operator, as_nodes


def gelu(x: Tensor, *, approximate: str = "none") -> tuple[Tensor]:
    """ONNX Gelu."""
    return (F.gelu(x, approximate=approximate),)


def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> tuple[Tensor]:
    """ONNX HardSigmoid: `alpha * x + beta` between 0 and 1."""
    return (torch.clamp(alpha * x + beta, 0, 1),)


def hard_swish(x: Tensor) -> tuple[Tensor]:
    """ONNX HardSwish."""
    return (F.hardswish(x),)


def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> tuple[Tensor]:
    """ONNX LeakyRelu."""
    return (F.leaky_relu(x, alpha),)


def prelu(x: Tensor, slope: Tensor) -> tuple[Tensor]:
    """ONNX PRelu: `slope * x` where `x` is negative; `slope` broadcasts to the shape of `x`."""
    return (torch.where(x < 0, slope * x, x),)


def relu(x: Tensor) -> tuple[Tensor]:
    """ONNX Relu."""
    return (torch.relu(x),)


def sigmoid(x: Tensor) -> tuple[Tensor]:
    """ONNX Sigmoid."""
    return (torch.sigmoid(x),)


def tanh(x: Tensor) -> tuple[Tensor]:
    """ONNX Tanh."""
    return (torch.tanh(x),)


OPERATORS: dict[str, Operator] = as_nodes(
    {
        "Gelu": gelu,
        "HardSigmoid": hard_sigmoid,
        "HardSwish": hard_swish,
        "LeakyRelu": leaky_relu,
        "PRelu": prelu,
        "Relu": relu,
        "Sigmoid": sigmoid,
        "Tanh": tanh,
    }
)

"""Softmax and the normalisations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cimc.rl.network.operators.constants import sizes
from cimc.rl.network.operators.export import Operator, as_nodes


def softmax(x: Tensor, *, axis: int = -1) -> tuple[Tensor]:
    """ONNX Softmax (from opset 13 on): normalised along the one `axis`."""
    return (x.softmax(axis),)


def log_softmax(x: Tensor, *, axis: int = -1) -> tuple[Tensor]:
    """ONNX LogSoftmax (from opset 13 on)."""
    return (x.log_softmax(axis),)


def layer_normalization(
    x: Tensor,
    scale: Tensor,
    b: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> tuple[Tensor]:
    """ONNX LayerNormalization over the axes from `axis` on, without the statistics as results."""
    y = F.layer_norm(x, sizes(x)[axis % x.ndim :], eps=epsilon) * scale
    return (y if b is None else y + b,)


def instance_normalization(x: Tensor, scale: Tensor, b: Tensor, *, epsilon: float = 1e-5) -> tuple[Tensor]:
    """ONNX InstanceNormalization: `x` (N, C, *spatial) over its spatial axes, `scale`, `b` (C,)."""
    variance, mean = torch.var_mean(x, tuple(range(2, x.ndim)), correction=0, keepdim=True)
    normalized = (x - mean) / torch.sqrt(variance + epsilon)
    return (normalized * _per_channel(scale, x) + _per_channel(b, x),)


def batch_normalization(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> tuple[Tensor]:
    """ONNX BatchNormalization in inference: `x` (N, C, ...), all else (C,)."""
    if training_mode:
        raise ValueError("BatchNormalization is only executed in inference")
    return (F.batch_norm(x, mean, var, scale, b, eps=epsilon),)


def lrn(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> tuple[Tensor]:
    """ONNX LRN: `x` (N, C, ...) over `size` neighbouring channels."""
    before = (size - 1) // 2
    squares = F.pad(x.square(), [*(0 for _ in range(2 * x.ndim - 4)), before, size - 1 - before])
    total = squares.unfold(1, size, 1).sum(-1)
    return (x / (bias + alpha / size * total) ** beta,)


def _per_channel(parameter: Tensor, x: Tensor) -> Tensor:
    """`parameter` (C,) in the shape that broadcasts along the channels of `x` (N, C, ...)."""
    return parameter.reshape(-1, *(1 for _ in range(x.ndim - 2)))


OPERATORS: dict[str, Operator] = as_nodes(
    {
        "BatchNormalization": batch_normalization,
        "InstanceNormalization": instance_normalization,
        "LRN": lrn,
        "LayerNormalization": layer_normalization,
        "LogSoftmax": log_softmax,
        "Softmax": softmax,
    }
)

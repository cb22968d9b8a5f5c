"""Pooling over spatial axes."""

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cimc.rl.network.operators.constants import sizes
from cimc.rl.network.operators.export import Operator, as_nodes
from cimc.rl.network.operators.spatial import pad_spatial
from cimc.runtime.kernels.geometry import spatial_axes, taps

# By the number of spatial axes.
_MAX_POOLS: dict[int, Callable[..., Tensor]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOLS: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    storage_order: int = 0,
    strides: Sequence[int] | None = None,
    num_results: int = 1,
) -> tuple[Tensor]:
    """ONNX MaxPool of `x` (N, C, *spatial), without its second result."""
    if num_results != 1:
        raise ValueError("MaxPool does not give indices here")
    axes = spatial_axes(
        sizes(x)[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=bool(ceil_mode),
    )
    pool = _of_rank(_MAX_POOLS, len(axes))
    stride, dilation = [axis.stride for axis in axes], [axis.dilation for axis in axes]
    padded = pad_spatial(x, axes, -torch.inf)
    return (pool(padded, list(kernel_shape), stride, 0, dilation),)


def average_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> tuple[Tensor]:
    """ONNX AveragePool of `x` (N, C, *spatial).

    A window that `ceil_mode` lets reach beyond the padding is averaged over its part inside.
    """
    axes = spatial_axes(
        sizes(x)[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=bool(ceil_mode),
    )
    padded = pad_spatial(x, axes, 0)
    elements = prod(kernel_shape)
    if all(axis.dilation == 1 for axis in axes):
        pool = _of_rank(_AVERAGE_POOLS, len(axes))
        average = pool(padded, list(kernel_shape), [axis.stride for axis in axes])
    else:
        average = sum((padded[(..., *tap)] for tap in taps(axes)), torch.zeros(())) / elements
    counts = (np.asarray(axis.counts(include_pad=bool(count_include_pad))) for axis in axes)
    # What was added as zeros is not to be counted.
    shares = torch.as_tensor(elements / reduce(np.multiply.outer, counts), dtype=x.dtype, device=x.device)
    return (average * shares,)


def global_average_pool(x: Tensor) -> tuple[Tensor]:
    """ONNX GlobalAveragePool of `x` (N, C, *spatial)."""
    return (x.mean(tuple(range(2, x.ndim)), keepdim=True),)


def global_max_pool(x: Tensor) -> tuple[Tensor]:
    """ONNX GlobalMaxPool of `x` (N, C, *spatial)."""
    return (x.amax(tuple(range(2, x.ndim)), keepdim=True),)


def _of_rank(pools: dict[int, Callable[..., Tensor]], rank: int) -> Callable[..., Tensor]:
    if rank not in pools:
        raise ValueError(f"torch pools over 1 to 3 spatial axes, not {rank}")
    return pools[rank]


OPERATORS: dict[str, Operator] = as_nodes(
    {
        "AveragePool": average_pool,
        "GlobalAveragePool": global_average_pool,
        "GlobalMaxPool": global_max_pool,
        "MaxPool": max_pool,
    }
)

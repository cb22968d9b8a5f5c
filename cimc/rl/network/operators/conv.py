"""Convolution."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cimc.rl.network.operators.constants import sizes
from cimc.rl.network.operators.export import Operator, as_nodes
from cimc.rl.network.operators.spatial import pad_spatial
from cimc.runtime.kernels.geometry import spatial_axes


def conv(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> tuple[Tensor]:
    """ONNX Conv: `x` (N, C, *spatial), `w` (M, C / group, *kernel), `b` (M,) to (N, M, *out)."""
    axes = spatial_axes(
        sizes(x)[2:],
        sizes(w)[2:],
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
    )
    padding = [axis.pads[0] for axis in axes]
    if any(before != after for before, after in (axis.pads for axis in axes)):
        # torch itself pads both sides alike.
        x, padding = pad_spatial(x, axes, 0), [0 for _ in axes]
    stride, dilation = [axis.stride for axis in axes], [axis.dilation for axis in axes]
    unused = [0 for _ in axes]
    return (torch.convolution(x, w, b, stride, padding, dilation, False, unused, group),)


OPERATORS: dict[str, Operator] = as_nodes({"Conv": conv})

"""Padding of spatial axes, shared by convolution and pooling."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from cimc.runtime.kernels.geometry import Axis


def pad_spatial(x: Tensor, axes: Sequence[Axis], value: float) -> Tensor:
    """Pad the trailing axes of `x` with `value`, as far as the last windows reach."""
    # torch names the last axis first.
    widths = [n for axis in reversed(axes) for n in (axis.pads[0], axis.pads[1] + axis.overhang)]
    return F.pad(x, widths, value=value) if any(widths) else x

"""Padding of spatial axes, shared by convolution and pooling."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.kernels.geometry import Axis


def pad_spatial(x: Array, axes: Sequence[Axis], value: Any) -> Array:
    """Pad the trailing axes of `x` with `value`, as far as the last windows reach."""
    before = [axis.pads[0] for axis in axes]
    after = [axis.pads[1] + axis.overhang for axis in axes]
    if not any(before) and not any(after):
        return x
    lead = x.ndim - len(axes)
    sizes = [axis.size + begin + end for axis, begin, end in zip(axes, before, after, strict=True)]
    padded = np.full((*x.shape[:lead], *sizes), value, x.dtype)
    inner = (slice(begin, begin + axis.size) for axis, begin in zip(axes, before, strict=True))
    padded[(..., *inner)] = x
    return padded

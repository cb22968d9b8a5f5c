"""Between pictures and the vectors that stream through crossbars."""

from collections.abc import Sequence

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.kernels.geometry import spatial_axes, taps


def im2col(
    x: Array,
    *,
    matrices: int,
    inputs: int,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    pad_code: int,
) -> Array:
    """Codes [pictures, channels, ...] as vectors [matrices, pictures * positions, inputs].

    A vector holds, channel by channel, the kernel's window at one output position. Matrix m has the
    channels from `m * inputs / window` on; channels beyond the last are 0.
    """
    rank = len(kernel)
    axes = spatial_axes(x.shape[2:], kernel, strides=strides, pads=pads, dilations=dilations)
    window = int(np.prod(kernel))
    channels = inputs // window
    margins = [(0, 0), (0, matrices * channels - x.shape[1]), *(axis.pads for axis in axes)]
    if any(a or b for a, b in margins):
        padded = np.full([n + a + b for n, (a, b) in zip(x.shape, margins, strict=True)], pad_code, x.dtype)
        padded[:, x.shape[1] :] = 0
        padded[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, margins, strict=True))] = x
        x = padded
    sizes = [axis.output for axis in axes]
    vectors = np.empty((matrices, len(x), *sizes, channels, window), x.dtype)
    split = x.reshape(len(x), matrices, channels, *x.shape[2:])
    source = np.moveaxis(split, (1, 2), (0, 2 + rank))
    for index, tap in enumerate(taps(axes)):
        vectors[..., index] = source[(slice(None), slice(None), *tap)]
    return vectors.reshape(matrices, -1, inputs)


def to_image(sums: Array, shape: Sequence[int]) -> Array:
    """Sums [matrices, pictures * positions, outputs] as [pictures, channels, ...]; a view where it can."""
    matrices, _, outputs = sums.shape
    pictures, channels, *sizes = shape
    split = sums.reshape(matrices, pictures, *sizes, outputs)
    moved = np.moveaxis(split, (0, -1), (1, 2)).reshape(pictures, matrices * outputs, *sizes)
    return moved[:, :channels]

"""Between pictures and the vectors that stream through crossbars."""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.kernels.geometry import spatial_axes, taps
from cimc.runtime.packing import Axis


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
    margins = [axis.pads for axis in axes]
    x = _padded(x, matrices * channels, margins, pad_code)
    sizes = [axis.output for axis in axes]
    vectors = np.empty((matrices, len(x), *sizes, channels, window), x.dtype)
    split = x.reshape(len(x), matrices, channels, *x.shape[2:])
    source = np.moveaxis(split, (1, 2), (0, 2 + rank))
    for index, tap in enumerate(taps(axes)):
        vectors[..., index] = source[(slice(None), slice(None), *tap)]
    return vectors.reshape(matrices, -1, inputs)


def _padded(x: Array, channels: int, margins: Sequence[tuple[int, int]], pad_code: int) -> Array:
    """Pictures with `pad_code` around them, and with channels of 0 up to so many."""
    every = [(0, 0), (0, channels - x.shape[1]), *margins]
    if not any(a or b for a, b in every):
        return x
    padded = np.full([n + a + b for n, (a, b) in zip(x.shape, every, strict=True)], pad_code, x.dtype)
    padded[:, x.shape[1] :] = 0
    padded[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, every, strict=True))] = x
    return padded


def patches(
    x: Array,
    *,
    matrices: int,
    groups: int,
    channels: int,
    axes: Sequence[Axis],
    positions: Sequence[int],
    pads: Sequence[int],
    pad_code: int,
) -> Array:
    """Codes [pictures, channels, ...] as packed vectors [matrices, pictures * patches, inputs].

    The output positions along each axis are cut into patches of `positions`; the last may reach beyond. A
    vector holds, for each of `groups` groups of `channels` channels, the pixels that the patch reads, and of
    each its channels. `pads` are those before each axis, then those behind.
    """
    rank = len(axes)
    sizes = [axis.outputs(x.shape[2 + i] + pads[i] + pads[rank + i]) for i, axis in enumerate(axes)]
    used = [axis.taps(p) for axis, p in zip(axes, positions, strict=True)]
    counts = [-(-n // p) for n, p in zip(sizes, positions, strict=True)]
    steps = [axis.stride * p for axis, p in zip(axes, positions, strict=True)]
    ends = [(count - 1) * step + u[-1] + 1 for count, step, u in zip(counts, steps, used, strict=True)]
    margins = [(pads[i], max(pads[rank + i], ends[i] - pads[i] - x.shape[2 + i])) for i in range(rank)]
    x = _padded(x, matrices * groups * channels, margins, pad_code)
    split = x.reshape(len(x), matrices, groups, channels, *x.shape[2:])
    source = np.moveaxis(split, (1, 2, 3), (0, 2 + rank, 3 + rank))
    vectors = np.empty((matrices, len(x), *counts, groups, prod(map(len, used)), channels), x.dtype)
    for index, pixel in enumerate(product(*used)):
        window = tuple(
            slice(start, start + (count - 1) * step + 1, step)
            for start, count, step in zip(pixel, counts, steps, strict=True)
        )
        vectors[..., index, :] = source[(slice(None), slice(None), *window)]
    return vectors.reshape(matrices, len(x) * prod(counts), -1)


def to_image(sums: Array, shape: Sequence[int], positions: Sequence[int] = (), groups: int = 1) -> Array:
    """Sums [matrices, pictures * positions, outputs] as [pictures, channels, ...]; a view where it can.

    With `positions`, there is a vector for each patch of so many output positions along each axis, and
    outputs are ordered by group, position in the patch, and output.
    """
    matrices, _, outputs = sums.shape
    pictures, channels, *sizes = shape
    if prod(positions) == 1:
        split = sums.reshape(matrices, pictures, *sizes, outputs)
        moved = np.moveaxis(split, (0, -1), (1, 2)).reshape(pictures, matrices * outputs, *sizes)
        return moved[:, :channels]
    rank = len(sizes)
    counts = [-(-n // p) for n, p in zip(sizes, positions, strict=True)]
    split = sums.reshape(matrices, pictures, *counts, groups, *positions, -1)
    along = [axis for i in range(rank) for axis in (2 + i, 3 + rank + i)]
    moved = split.transpose(1, 0, 2 + rank, 3 + 2 * rank, *along)
    image = moved.reshape(pictures, -1, *(n * p for n, p in zip(counts, positions, strict=True)))
    return image[(slice(None), slice(channels), *map(slice, sizes))]

"""Several output positions and several groups in one matrix: vectors, matrices and sums of packed layers.

A packed vector holds the inputs of `groups` matrices, one after the other: of each the pixels that a patch of
output positions reads. The packed matrix has a block for each pixel and position, empty where the position
does not read the pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Axis:
    """The windows of a convolution along one axis."""

    kernel: int = 1
    stride: int = 1
    dilation: int = 1

    def outputs(self, pixels: int) -> int:
        """The output positions along so many pixels, padding included."""
        return (pixels - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    def tap(self, position: int, k: int) -> int:
        """Where element `k` of the window of an output position lies, from the first position's on."""
        return self.stride * position + self.dilation * k

    def taps(self, positions: int) -> tuple[int, ...]:
        """The pixels that the windows of so many neighbouring positions have, rising."""
        return tuple(sorted({self.tap(i, k) for i in range(positions) for k in range(self.kernel)}))


def axes_of(kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> tuple[Axis, ...]:
    """The windows of a convolution along each of its axes."""
    return tuple(Axis(*axis) for axis in zip(kernel, strides, dilations, strict=True))


def band_matrix(
    w: Array, axes: Sequence[Axis], positions: Sequence[int], groups: int, groups_per_matrix: int
) -> Array:
    """Weights [outputs, channels, ...] as packed matrices [matrices, inputs, outputs].

    Inputs are ordered by group, pixel and channel, outputs by group, position and output. The last matrix
    may have groups to spare.
    """
    by_group = w.reshape(groups, len(w) // groups, *w.shape[1:])
    outputs, channels, *kernel = by_group.shape[1:]
    taps = [axis.taps(p) for axis, p in zip(axes, positions, strict=True)]
    pixels = [len(t) for t in taps]
    band = np.zeros((groups, *pixels, channels, *positions, outputs), w.dtype)
    moved = np.moveaxis(by_group, (1, 2), (-1, -2))  # [groups, ..., channels, outputs]
    for position in product(*map(range, positions)):
        for k in product(*map(range, kernel)):
            pixel = tuple(
                t.index(axis.tap(i, j)) for t, axis, i, j in zip(taps, axes, position, k, strict=True)
            )
            band[(slice(None), *pixel, slice(None), *position)] = moved[(slice(None), *k)]
    matrices = band.reshape(groups, prod(pixels) * channels, prod(positions) * outputs)
    return block_diagonal(matrices, groups_per_matrix, 1)


def block_diagonal(w: Array, groups: int, positions: int) -> Array:
    """Matrices [matrices, inputs, outputs] with `groups` x `positions` of them on the diagonal of one.

    Each is there for `positions` vectors.
    """
    if groups == positions == 1:
        return w
    matrices, inputs, outputs = w.shape
    count = -(-matrices // groups)
    packed = np.zeros((count, groups * positions, inputs, groups * positions, outputs), w.dtype)
    for matrix in range(matrices):
        target, group = divmod(matrix, groups)
        for place in range(group * positions, (group + 1) * positions):
            packed[target, place, :, place, :] = w[matrix]
    return packed.reshape(count, groups * positions * inputs, groups * positions * outputs)


def pack_vectors(x: Array, groups: int, positions: int) -> Array:
    """Vectors [matrices, vectors, inputs], those of some matrices and neighbours as one.

    The result is [packed matrices, packed vectors, groups * positions * inputs], 0 where none is left.
    """
    matrices, vectors, inputs = x.shape
    m, v = -(-matrices // groups), -(-vectors // positions)
    if (m * groups, v * positions) != (matrices, vectors):
        x = np.pad(x, [(0, m * groups - matrices), (0, v * positions - vectors), (0, 0)])
    split = x.reshape(m, groups, v, positions, inputs)
    return split.transpose(0, 2, 1, 3, 4).reshape(m, v, groups * positions * inputs)


def unpack_sums(sums: Array, groups: int, positions: int, shape: Sequence[int]) -> Array:
    """The inverse for sums [packed matrices, packed vectors, ...]: [matrices, vectors, outputs]."""
    matrices, vectors, outputs = shape
    m, v = sums.shape[:2]
    split = sums.reshape(m, v, groups, positions, outputs).transpose(0, 2, 1, 3, 4)
    return split.reshape(m * groups, v * positions, outputs)[:matrices, :vectors]

"""Pooling over spatial axes, one vectorised step per kernel element."""

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np

from cimc.runtime.arrays import Array, lowest, mean, widen
from cimc.runtime.kernels.geometry import Axis, spatial_axes, taps
from cimc.runtime.kernels.spatial import pad_spatial


def max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    storage_order: int = 0,
    strides: Sequence[int] | None = None,
    num_results: int = 1,
) -> tuple[Array, ...]:
    """ONNX MaxPool of `x` (N, C, *spatial): Y and, as a second result, Indices."""
    axes = spatial_axes(
        x.shape[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=bool(ceil_mode),
    )
    padded = pad_spatial(x, axes, lowest(x.dtype))
    y = np.full((*x.shape[:2], *(axis.output for axis in axes)), lowest(x.dtype), x.dtype)
    for tap in taps(axes):
        np.maximum(y, padded[(..., *tap)], out=y)
    return (y,) if num_results == 1 else (y, _first_maximum(y, padded, axes, storage_order))


def _first_maximum(y: Array, padded: Array, axes: Sequence[Axis], storage_order: int) -> Array:
    """Where each maximum `y` occurs first in its window, as a flat index into the unpadded input.

    The spatial part of the index is row-major, or column-major for `storage_order` 1.
    """
    sizes = [axis.size for axis in axes]
    positions = np.arange(prod(sizes)).reshape(sizes, order="F" if storage_order else "C")
    padded_positions = pad_spatial(positions, axes, -1)
    indices = np.full(y.shape, -1, np.int64)
    for tap in taps(axes):
        # The padding has no position, so it leaves -1 to later elements that equal it.
        found = (indices < 0) & (padded[(..., *tap)] == y)
        indices = np.where(found, padded_positions[tap], indices)
    planes = np.arange(prod(y.shape[:2])).reshape(*y.shape[:2], *(1 for _ in axes))
    return indices + planes * prod(sizes)


def average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> tuple[Array]:
    """ONNX AveragePool of `x` (N, C, *spatial).

    A window that `ceil_mode` lets reach beyond the padding is averaged over its part inside.
    """
    axes = spatial_axes(
        x.shape[2:],
        kernel_shape,
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=bool(ceil_mode),
    )
    padded = pad_spatial(widen(x), axes, 0)
    y = np.zeros((*x.shape[:2], *(axis.output for axis in axes)), padded.dtype)
    for tap in taps(axes):
        y += padded[(..., *tap)]
    counts = (axis.counts(include_pad=bool(count_include_pad)) for axis in axes)
    y /= reduce(np.multiply.outer, (np.asarray(count, y.dtype) for count in counts))
    return (np.asarray(y, x.dtype),)


def global_average_pool(x: Array) -> tuple[Array]:
    """ONNX GlobalAveragePool of `x` (N, C, *spatial)."""
    return (np.asarray(mean(widen(x), range(2, x.ndim), keepdims=True), x.dtype),)


def global_max_pool(x: Array) -> tuple[Array]:
    """ONNX GlobalMaxPool of `x` (N, C, *spatial)."""
    return (x.max(tuple(range(2, x.ndim)), keepdims=True),)


KERNELS = {
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "MaxPool": max_pool,
}

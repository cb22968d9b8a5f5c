"""Convolution."""

from collections.abc import Sequence
from math import prod

import numpy as np

from cimc.runtime.arrays import Array, widen
from cimc.runtime.kernels.geometry import Axis, spatial_axes, taps
from cimc.runtime.kernels.spatial import pad_spatial

# The unfolded input of a batch is many times the input; samples are taken in chunks of at most
# this many elements, which also stay in the cache between unfolding and multiplication.
_CHUNK = 1 << 20


def conv(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> tuple[Array]:
    """ONNX Conv: `x` (N, C, *spatial), `w` (M, C / group, *kernel), `b` (M,) to (N, M, *out)."""
    if x.shape[1] != w.shape[1] * group or w.shape[0] % group:
        raise ValueError(f"weights {w.shape} in {group} groups do not suit an input {x.shape}")
    if kernel_shape is not None and tuple(kernel_shape) != w.shape[2:]:
        raise ValueError(f"kernel_shape {kernel_shape} contradicts weights {w.shape}")

    axes = spatial_axes(
        x.shape[2:],
        w.shape[2:],
        strides=strides,
        dilations=dilations,
        pads=pads,
        auto_pad=auto_pad,
    )
    padded = pad_spatial(widen(x), axes, 0)
    weights = widen(w)
    if w.shape[1] == 1 < group:
        y = _depthwise(padded, weights, axes)
    else:
        y = _dense(padded, weights, group, axes)
    if b is not None:
        y += b.reshape(-1, *(1 for _ in axes))
    return (np.asarray(y, x.dtype),)


def _depthwise(padded: Array, w: Array, axes: Sequence[Axis]) -> Array:
    """One input channel per group: a sum over kernel elements, vectorised over everything else."""
    batch, channels = padded.shape[:2]
    out = tuple(axis.output for axis in axes)
    y = np.zeros((batch, channels, w.shape[0] // channels, *out), padded.dtype)
    kernels = w.reshape(channels, -1, prod(w.shape[2:]))
    for index, tap in enumerate(taps(axes)):
        scale = kernels[:, :, index].reshape(channels, -1, *(1 for _ in axes))
        y += padded[(..., *tap)][:, :, None] * scale
    return y.reshape(batch, w.shape[0], *out)


def _dense(padded: Array, w: Array, group: int, axes: Sequence[Axis]) -> Array:
    """Unfold the windows into columns and multiply by the weights, group by group."""
    batch, channels = padded.shape[:2]
    out = tuple(axis.output for axis in axes)
    rows = w.reshape(group, w.shape[0] // group, -1)
    y = np.empty((batch, group, rows.shape[1], prod(out)), padded.dtype)
    elements = prod(w.shape[2:])
    chunk = max(1, _CHUNK // max(1, channels * elements * prod(out)))
    for start in range(0, batch, chunk):
        part = padded[start : start + chunk]
        columns = np.empty((len(part), channels, elements, *out), padded.dtype)
        for index, tap in enumerate(taps(axes)):
            columns[:, :, index] = part[(..., *tap)]
        np.matmul(
            rows,
            columns.reshape(len(part), group, rows.shape[2], -1),
            out=y[start : start + chunk],
        )
    return y.reshape(batch, w.shape[0], *out)


KERNELS = {"Conv": conv}

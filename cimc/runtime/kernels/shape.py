"""Movement of elements: shapes, slices, concatenation, padding.

Where numpy can, these return views of their inputs.
"""

from collections.abc import Sequence
from math import prod
from typing import Literal

import numpy as np

from cimc.runtime.arrays import Array


def flatten(x: Array, *, axis: int = 1) -> tuple[Array]:
    """ONNX Flatten: the axes before `axis` become the rows, those from it on the columns."""
    rows = x.shape[: axis + x.ndim if axis < 0 else axis]
    return (x.reshape(prod(rows), prod(x.shape[len(rows) :])),)


def reshape(data: Array, shape: Array, *, allowzero: int = 0) -> tuple[Array]:
    """ONNX Reshape: -1 stands for what remains and, unless `allowzero`, 0 for the old size."""
    sizes = [
        data.shape[axis] if size == 0 and not allowzero else size for axis, size in enumerate(shape.tolist())
    ]
    return (data.reshape(sizes),)


def transpose(data: Array, *, perm: Sequence[int] | None = None) -> tuple[Array]:
    """ONNX Transpose: `perm` is the reversal by default."""
    return (data.transpose(perm),)


def squeeze(data: Array, axes: Array | None = None) -> tuple[Array]:
    """ONNX Squeeze: remove `axes`, or all of size 1."""
    return (data.squeeze(None if axes is None else tuple(axes.tolist())),)


def unsqueeze(data: Array, axes: Array) -> tuple[Array]:
    """ONNX Unsqueeze: `axes` count in the result."""
    return (np.expand_dims(data, tuple(axes.tolist())),)


def concat(*inputs: Array, axis: int) -> tuple[Array]:
    """ONNX Concat."""
    return (np.concatenate(inputs, axis),)


def slice_(
    data: Array,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> tuple[Array]:
    """ONNX Slice: out-of-range starts and ends are clamped, as Python's slices are."""
    chosen = range(len(starts)) if axes is None else axes.tolist()
    strides = [1] * len(starts) if steps is None else steps.tolist()
    index = [slice(None)] * data.ndim
    for axis, start, end, step in zip(chosen, starts.tolist(), ends.tolist(), strides, strict=True):
        index[axis] = slice(start, end, step)
    return (data[tuple(index)],)


def split(
    data: Array,
    sizes: Array | None = None,
    *,
    num_results: int,
    axis: int = 0,
    num_outputs: int | None = None,
) -> tuple[Array, ...]:
    """ONNX Split along `axis`, into `sizes` or equal parts of which the last may be smaller."""
    if num_outputs not in (None, num_results):
        raise ValueError(f"num_outputs is {num_outputs}, but the node has {num_results}")
    if sizes is None:
        part = -(-data.shape[axis] // num_results)
        bounds = [part * index for index in range(1, num_results)]
    else:
        if len(sizes) != num_results or sizes.sum() != data.shape[axis]:
            raise ValueError(f"sizes {sizes.tolist()} do not split {data.shape} on axis {axis}")
        bounds = np.cumsum(sizes)[:-1].tolist()
    return tuple(np.split(data, bounds, axis))


def gather(data: Array, indices: Array, *, axis: int = 0) -> tuple[Array]:
    """ONNX Gather: negative indices count from the end."""
    return (np.asarray(data.take(indices, axis)),)


def pad(
    data: Array,
    pads: Array,
    constant_value: Array | None = None,
    axes: Array | None = None,
    *,
    mode: Literal["constant", "reflect", "edge", "wrap"] = "constant",
) -> tuple[Array]:
    """ONNX Pad: `pads` has all the begins and then all the ends of `axes`; negative ones crop."""
    chosen = range(data.ndim) if axes is None else axes.tolist()
    begins, ends = pads.reshape(2, -1).tolist()
    crop = [slice(None)] * data.ndim
    widths = [(0, 0)] * data.ndim
    for axis, begin, end in zip(chosen, begins, ends, strict=True):
        crop[axis] = slice(max(0, -begin), data.shape[axis] - max(0, -end))
        widths[axis] = (max(0, begin), max(0, end))
    cropped = data[tuple(crop)]
    if mode != "constant":
        return (np.pad(cropped, widths, mode),)
    value = 0 if constant_value is None else constant_value.item()
    return (np.pad(cropped, widths, constant_values=value),)


def expand(data: Array, shape: Array) -> tuple[Array]:
    """ONNX Expand: `data` and `shape` broadcast against each other."""
    target = np.broadcast_shapes(data.shape, tuple(shape.tolist()))
    return (np.broadcast_to(data, target).copy(),)


def shape_(data: Array, *, start: int = 0, end: int | None = None) -> tuple[Array]:
    """ONNX Shape: the sizes of the axes from `start` to `end`."""
    return (np.asarray(data.shape[start:end], np.int64),)


def constant_of_shape(shape: Array, *, value: Array | None = None) -> tuple[Array]:
    """ONNX ConstantOfShape: filled with the one element of `value`, by default a float32 zero."""
    fill = np.zeros(1, np.float32) if value is None else value
    return (np.full(tuple(shape.tolist()), fill.item(), fill.dtype),)


KERNELS = {
    "Concat": concat,
    "ConstantOfShape": constant_of_shape,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "Pad": pad,
    "Reshape": reshape,
    "Shape": shape_,
    "Slice": slice_,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}

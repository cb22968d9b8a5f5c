"""Movement of elements: shapes, slices, concatenation, padding."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cimc.rl.network.operators.constants import ints, sizes
from cimc.rl.network.operators.export import Operator, as_node, as_nodes

Shapes = Sequence[tuple[int, ...]]
"""The shapes of the operands in the IR, whose batch may be another than that of the tensors."""


def flatten(x: Tensor, *, imported: Shapes, axis: int = 1) -> tuple[Tensor]:
    """ONNX Flatten: the axes before `axis` become the rows, those from it on the columns."""
    rows = imported[0][: axis + x.ndim if axis < 0 else axis]
    columns = imported[0][len(rows) :]
    return (_follow(x, imported[0], [prod(rows), prod(columns)]),)


def reshape(data: Tensor, shape: Tensor, *, imported: Shapes, allowzero: int = 0) -> tuple[Tensor]:
    """ONNX Reshape: -1 stands for what remains and, unless `allowzero`, 0 for the old size.

    The result's first axis follows the batch, whatever else it counts: with a batch of 5 instead of 1,
    (1, 8, 6) to (4, 12) becomes (5, 8, 6) to (20, 12), the results of five pictures one after another.
    """
    old = imported[0]
    wanted = [old[axis] if n == 0 and not allowzero else n for axis, n in enumerate(ints(shape))]
    if -1 in wanted:
        wanted[wanted.index(-1)] = prod(old) // max(1, prod(n for n in wanted if n != -1))
    return (_follow(data, old, wanted),)


def _follow(data: Tensor, imported: tuple[int, ...], wanted: list[int]) -> Tensor:
    """`data` in the shape `wanted` for the `imported` one, with as many rows as it takes."""
    if sizes(data)[1:] != imported[1:]:
        raise ValueError(f"the batch is not the first axis of {sizes(data)}, which was {imported}")
    # Where the other sizes are 0, nothing tells the first one.
    return data.reshape([-1, *wanted[1:]] if wanted and prod(wanted[1:]) else wanted)


def expand(data: Tensor, shape: Tensor, *, imported: Shapes) -> tuple[Tensor, ...]:
    """ONNX Expand: `data` and `shape` broadcast against each other.

    Where the imported data already had the size that is asked for, they keep theirs. Data that do not
    depend on the batch are left as they are for it; Concat, and arithmetic, broadcast them later.
    """
    wanted = ints(shape)
    old = (*(1 for _ in wanted[len(imported[0]) :]), *imported[0])
    kept = [1 if n == size else n for n, size in zip(wanted, old[len(old) - len(wanted) :], strict=True)]
    return _EXPAND(data, torch.tensor(kept, dtype=torch.int64))


def _expand(data: Tensor, shape: Tensor) -> tuple[Tensor]:
    return (data.expand(np.broadcast_shapes(sizes(data), tuple(ints(shape)))),)


_EXPAND = as_node("Expand", _expand)


def squeeze(data: Tensor, axes: Tensor | None = None, *, imported: Shapes) -> tuple[Tensor, ...]:
    """ONNX Squeeze: remove `axes`, or all that were of size 1; the batch cannot go."""
    if axes is None:
        axes = torch.tensor([axis for axis, n in enumerate(imported[0]) if n == 1], dtype=torch.int64)
    if any(sizes(data)[axis] != 1 for axis in ints(axes)):
        raise ValueError(
            f"axes {ints(axes)} of shape {sizes(data)}, which was {imported[0]}, cannot be removed"
        )
    return _SQUEEZE(data, axes)


def _squeeze(data: Tensor, axes: Tensor) -> tuple[Tensor]:
    return (data.squeeze(tuple(ints(axes))),)


_SQUEEZE = as_node("Squeeze", _squeeze)


def unsqueeze(data: Tensor, axes: Tensor) -> tuple[Tensor]:
    """ONNX Unsqueeze: `axes` count in the result."""
    rank = data.ndim + len(ints(axes))
    for axis in sorted(axis % rank for axis in ints(axes)):
        data = data.unsqueeze(axis)
    return (data,)


def transpose(data: Tensor, *, perm: Sequence[int] | None = None) -> tuple[Tensor]:
    """ONNX Transpose: `perm` is the reversal by default."""
    return (data.permute(tuple(reversed(range(data.ndim))) if perm is None else tuple(perm)),)


def concat(*inputs: Tensor, axis: int) -> tuple[Tensor, ...]:
    """ONNX Concat; inputs of a batch of 1, such as class tokens, serve the whole batch of the others."""
    batches = {sizes(x)[0] for x in inputs}
    if axis % inputs[0].ndim and len(batches) == 2 and 1 in batches:
        whole = next(x for x in inputs if sizes(x)[0] != 1)
        inputs = tuple(x.expand(whole.shape[0], *sizes(x)[1:]) if sizes(x)[0] == 1 else x for x in inputs)
    return _CONCAT(*inputs, axis=axis)


def _concat(*inputs: Tensor, axis: int) -> tuple[Tensor]:
    return (torch.cat(inputs, axis),)


_CONCAT = as_node("Concat", _concat)


def slice_(
    data: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> tuple[Tensor]:
    """ONNX Slice: out-of-range starts and ends are clamped, as Python's slices are."""
    begins = ints(starts)
    chosen = range(len(begins)) if axes is None else ints(axes)
    strides = [1 for _ in begins] if steps is None else ints(steps)
    for axis, start, end, step in zip(chosen, begins, ints(ends), strides, strict=True):
        first, last, _ = slice(start, end, step).indices(sizes(data)[axis])
        if step > 0:
            data = data[(*(slice(None) for _ in range(axis % data.ndim)), slice(first, last, step))]
        else:
            # torch has no slices backwards.
            read = torch.tensor(range(first, last, step), dtype=torch.int64, device=data.device)
            data = data.index_select(axis, read)
    return (data,)


def split(
    data: Tensor,
    parts: Tensor | None = None,
    *,
    num_results: int,
    axis: int = 0,
    num_outputs: int | None = None,
) -> tuple[Tensor, ...]:
    """ONNX Split along `axis`, into sizes or equal parts of which the last may be smaller."""
    size = sizes(data)[axis]
    if parts is None:
        part = -(-size // num_results)
        bounds = [min(part * index, size) for index in range(num_results + 1)]
        lengths = [end - start for start, end in pairwise(bounds)]
    else:
        lengths = ints(parts)
    return _SPLIT(data, torch.tensor(lengths), num_results=num_results, axis=axis)


def _split(data: Tensor, parts: Tensor, *, num_results: int, axis: int) -> tuple[Tensor, ...]:
    return torch.split_with_sizes(data, ints(parts), axis)


_SPLIT = as_node("Split", _split)


def gather(data: Tensor, indices: Tensor, *, axis: int = 0) -> tuple[Tensor]:
    """ONNX Gather: negative indices count from the end."""
    before = (slice(None) for _ in range(axis % data.ndim))
    return (data[(*before, indices.to(data.device, torch.int64))],)


def pad(
    data: Tensor,
    pads: Tensor,
    constant_value: Tensor | None = None,
    axes: Tensor | None = None,
    *,
    mode: Literal["constant", "reflect", "edge", "wrap"] = "constant",
) -> tuple[Tensor]:
    """ONNX Pad: `pads` has all the begins and then all the ends of `axes`; negative ones crop."""
    chosen = range(data.ndim) if axes is None else ints(axes)
    widths = ints(pads)
    begins, ends = widths[: len(chosen)], widths[len(chosen) :]
    pairs = {
        axis % data.ndim: pair for axis, pair in zip(chosen, zip(begins, ends, strict=True), strict=True)
    }
    if mode == "constant":
        value = 0 if constant_value is None else constant_value.item()
        # torch names the last axis first.
        flat = [n for axis in reversed(range(data.ndim)) for n in pairs.get(axis, (0, 0))]
        return (F.pad(data, flat, value=value),)
    for axis, (begin, end) in pairs.items():
        kept = np.arange(sizes(data)[axis])[max(0, -begin) : sizes(data)[axis] - max(0, -end)]
        read = np.pad(kept, (max(0, begin), max(0, end)), mode)
        data = data.index_select(axis, torch.as_tensor(read, device=data.device))
    return (data,)


OPERATORS: dict[str, Operator] = {
    "Concat": concat,
    "Expand": expand,
    "Flatten": flatten,
    "Reshape": reshape,
    "Split": split,
    "Squeeze": squeeze,
    **as_nodes(
        {
            "Gather": gather,
            "Pad": pad,
            "Slice": slice_,
            "Transpose": transpose,
            "Unsqueeze": unsqueeze,
        }
    ),
}

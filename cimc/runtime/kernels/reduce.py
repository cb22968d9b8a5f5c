"""Reductions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cimc.runtime.arrays import Array, lowest, mean, widen

Axes = tuple[int, ...] | None


def _reduction(function: Callable[[Array, Axes, bool], Any]) -> Callable[..., tuple[Array]]:
    """A kernel from a `function` of an array, the axes (None for all) and whether they stay."""

    @np.errstate(all="ignore")
    def kernel(
        data: Array,
        axes: Array | None = None,
        *,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> tuple[Array]:
        chosen = () if axes is None else tuple(axes.tolist())
        if not chosen and noop_with_empty_axes:
            return (data,)
        reduced = function(widen(data), chosen or None, bool(keepdims))
        return (np.asarray(reduced).astype(data.dtype, copy=False),)

    return kernel


def _max(x: Array, axes: Axes, keepdims: bool) -> Any:
    return x.max(axes, keepdims=keepdims, initial=lowest(x.dtype))


def _mean(x: Array, axes: Axes, keepdims: bool) -> Any:
    return mean(x, axes, keepdims=keepdims)


def _sum(x: Array, axes: Axes, keepdims: bool) -> Any:
    return x.sum(axes, dtype=x.dtype, keepdims=keepdims)


KERNELS = {
    "ReduceMax": _reduction(_max),
    "ReduceMean": _reduction(_mean),
    "ReduceSum": _reduction(_sum),
}

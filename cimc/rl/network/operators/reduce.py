"""Reductions."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from cimc.rl.network.operators.constants import ints
from cimc.rl.network.operators.export import Operator, as_nodes


class _Function(Protocol):
    def __call__(self, x: Tensor, axes: list[int], keepdim: bool, /) -> Tensor: ...


def _reduction(function: _Function) -> Callable[..., tuple[Tensor]]:
    def operator(
        data: Tensor,
        axes: Tensor | None = None,
        *,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> tuple[Tensor]:
        chosen = [] if axes is None else ints(axes)
        if not chosen and noop_with_empty_axes:
            return (data,)
        return (function(data, chosen or list(range(data.ndim)), bool(keepdims)),)

    return operator


OPERATORS: dict[str, Operator] = as_nodes(
    {
        "ReduceMax": _reduction(torch.amax),
        "ReduceMean": _reduction(torch.mean),
        "ReduceSum": _reduction(torch.sum),
    }
)

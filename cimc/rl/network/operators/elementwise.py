"""Arithmetic, comparison and selection, element by element with broadcasting."""

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from cimc.rl.network.operators.constants import dtype_of
from cimc.rl.network.operators.export import Operator, as_nodes


def _unary(function: Callable[[Tensor], Tensor]) -> Operator:
    def operator(x: Tensor) -> tuple[Tensor]:
        return (function(x),)

    return operator


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(a: Tensor, b: Tensor) -> tuple[Tensor]:
        return (function(a, b),)

    return operator


def _variadic(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(*inputs: Tensor) -> tuple[Tensor]:
        return (reduce(function, inputs),)

    return operator


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def power(x: Tensor, y: Tensor) -> tuple[Tensor]:
    """ONNX Pow: `x` to the power of `y`, in the type of `x`."""
    return (torch.pow(x, y).to(x.dtype),)


def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> tuple[Tensor]:
    """ONNX Clip: `x` limited to the scalars `low` and `high`; `high` wins where they cross."""
    return (x if low is None and high is None else torch.clamp(x, low, high),)


def where(condition: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor]:
    """ONNX Where: `x` where `condition` holds, `y` elsewhere."""
    return (torch.where(condition, x, y),)


def cast(x: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> tuple[Tensor]:
    """ONNX Cast to the element type `to`; the other attributes only concern 8-bit floats."""
    return (x.to(dtype_of(to)),)


def identity(x: Tensor) -> tuple[Tensor]:
    """ONNX Identity, which leaves no node."""
    return (x,)


def dropout(
    data: Tensor, ratio: Tensor | None = None, training_mode: Tensor | None = None, *, seed: int = 0
) -> tuple[Tensor]:
    """ONNX Dropout in inference, which leaves no node."""
    if training_mode is not None and training_mode.item():
        raise ValueError("Dropout is only executed in inference")
    return (data,)


OPERATORS: dict[str, Operator] = {
    "Dropout": dropout,
    "Identity": identity,
    **as_nodes(
        {
            "Abs": _unary(torch.abs),
            "Add": _binary(torch.add),
            "Cast": cast,
            "Clip": clip,
            "Div": _binary(_divide),
            "Equal": _binary(torch.eq),
            "Erf": _unary(torch.erf),
            "Exp": _unary(torch.exp),
            "Log": _unary(torch.log),
            "Max": _variadic(torch.maximum),
            "Min": _variadic(torch.minimum),
            "Mul": _binary(torch.mul),
            "Neg": _unary(torch.neg),
            "Not": _unary(torch.logical_not),
            "Pow": power,
            "Reciprocal": _unary(torch.reciprocal),
            "Sqrt": _unary(torch.sqrt),
            "Sub": _binary(torch.sub),
            "Sum": _variadic(torch.add),
            "Where": where,
        }
    ),
}

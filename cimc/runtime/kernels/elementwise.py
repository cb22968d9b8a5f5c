"""Arithmetic, comparison and selection, element by element with numpy's broadcasting.

As in ONNX, an integer overflow wraps and a floating-point exception yields infinity or NaN, so
numpy's warnings about either are silenced.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from cimc.runtime.arrays import Array, dtype_of, widen


def _unary(function: Callable[[Array], Any]) -> Callable[[Array], tuple[Array]]:
    @np.errstate(all="ignore")
    def kernel(x: Array) -> tuple[Array]:
        return (np.asarray(function(widen(x)), x.dtype),)

    return kernel


def _binary(function: Callable[[Array, Array], Any]) -> Callable[[Array, Array], tuple[Array]]:
    @np.errstate(all="ignore")
    def kernel(a: Array, b: Array) -> tuple[Array]:
        return (np.asarray(function(a, b)),)

    return kernel


def _variadic(function: Callable[[Array, Array], Array]) -> Callable[..., tuple[Array]]:
    @np.errstate(all="ignore")
    def kernel(*inputs: Array) -> tuple[Array]:
        return (np.asarray(reduce(function, inputs)),)

    return kernel


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind not in "iu":
        return a / b
    # Without its remainder, which `fmod` gives the sign of `a`, the dividend leaves no rounding
    # to `//`, and the quotient is truncated towards zero as ONNX says.
    return (a - np.fmod(a, b)) // b


@np.errstate(all="ignore")
def power(x: Array, y: Array) -> tuple[Array]:
    """ONNX Pow: `x` to the power of `y`, in the type of `x`."""
    if x.dtype.kind in "iu" and y.dtype.kind == "i" and np.any(y < 0):
        # numpy refuses negative integer exponents.
        y = y.astype(np.float64)
    return (np.asarray(np.power(x, y)).astype(x.dtype, copy=False),)


def clip(x: Array, low: Array | None = None, high: Array | None = None) -> tuple[Array]:
    """ONNX Clip: `x` limited to the scalars `low` and `high`; `high` wins where they cross."""
    if low is not None:
        x = np.maximum(x, low)
    if high is not None:
        x = np.minimum(x, high)
    return (np.asarray(x),)


def where(condition: Array, x: Array, y: Array) -> tuple[Array]:
    """ONNX Where: `x` where `condition` holds, `y` elsewhere."""
    return (np.where(condition, x, y),)


def identity(x: Array) -> tuple[Array]:
    """ONNX Identity."""
    return (x,)


@np.errstate(all="ignore")
def cast(x: Array, *, to: int, saturate: int = 1, round_mode: str = "up") -> tuple[Array]:
    """ONNX Cast to the element type `to`; the other attributes only concern 8-bit floats."""
    return (x.astype(dtype_of(to)),)


def dropout(
    data: Array,
    ratio: Array | None = None,
    training_mode: Array | None = None,
    *,
    seed: int = 0,
) -> tuple[Array, Array]:
    """ONNX Dropout in inference: the data as they are and a mask that keeps everything."""
    if training_mode is not None and training_mode.item():
        raise ValueError("Dropout is only executed in inference")
    return (data, np.ones(data.shape, np.bool))


KERNELS = {
    "Abs": _unary(np.abs),
    "Add": _binary(np.add),
    "Cast": cast,
    "Clip": clip,
    "Div": _binary(_divide),
    "Dropout": dropout,
    "Equal": _binary(np.equal),
    "Exp": _unary(np.exp),
    "Identity": identity,
    "Log": _unary(np.log),
    "Max": _variadic(np.maximum),
    "Min": _variadic(np.minimum),
    "Mul": _binary(np.multiply),
    "Neg": _unary(np.negative),
    "Not": _unary(np.logical_not),
    "Pow": power,
    "Reciprocal": _unary(np.reciprocal),
    "Sqrt": _unary(np.sqrt),
    "Sub": _binary(np.subtract),
    "Sum": _variadic(np.add),
    "Where": where,
}

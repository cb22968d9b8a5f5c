"""Exact products of integer matrices: the fastest way that is installed, the same numbers with each.

onnxruntime multiplies 8-bit integers four times as fast as numpy multiplies floats, where it is installed.
"""

from functools import cache
from typing import Any, Protocol

import numpy as np

from cimc.runtime.arrays import Array

FLOAT32_EXACT = 1 << 24
"""Below this magnitude float32 holds every integer (24 bits of significand, IEEE 754)."""

FLOAT64_EXACT = 1 << 53
"""The same of float64, with 53 bits."""


def exact_product(x: Array, w: Array) -> Array:
    """The exact product of two integer matrices, in the fastest type that holds every partial sum."""
    largest = max(abs(int(x.max(initial=0))), abs(int(x.min(initial=0))))
    return _product_below(largest * _column_magnitude(w), x, w)


def _product_below(bound: int, x: Array, w: Array) -> Array:
    """The exact product of integer matrices whose partial sums are below a bound."""
    dtype = _exact_type(bound)
    return x.astype(dtype) @ w.astype(dtype)


def _column_magnitude(w: Array) -> int:
    """The largest sum of magnitudes of a column."""
    # Not the sum of numpy's abs: that of the smallest number of a type is itself.
    positive = np.maximum(w, 0).sum(axis=0, dtype=np.int64)
    return int((positive - np.minimum(w, 0).sum(axis=0, dtype=np.int64)).max(initial=0))


def _exact_type(bound: int) -> Any:
    """The fastest type that holds whole numbers below a bound."""
    if bound >= FLOAT64_EXACT:
        return np.int64
    return np.float32 if bound < FLOAT32_EXACT else np.float64


class StoredMatrix:
    """A matrix [k, n] of whole numbers, or of float32, that many vectors are multiplied with."""

    def __init__(self, w: Array) -> None:
        self.numbers = w
        """The matrix: whole numbers of 8 bits if they fit."""
        self._magnitude: int | None = None
        self._steepest = 0
        if w.dtype.kind not in "iu":
            return
        low, high = int(w.min(initial=0)), int(w.max(initial=0))
        self._magnitude = _column_magnitude(w)
        self._steepest = max(-low, high)
        byte = np.int8 if low < 0 else np.uint8
        if np.iinfo(byte).min <= low and high <= np.iinfo(byte).max:
            self.numbers = np.ascontiguousarray(w, byte)

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole, so that products are exact."""
        return self._magnitude is not None

    def times(self, x: Array, largest: int, scale: int = 1) -> Array:
        """The products of codes [m, k] of this magnitude at most, times a whole number.

        Of whole numbers they are exact, in int32, float32, float64 or int64; of floats they are float32. If
        they are scaled, there is a bit to spare: a quotient by a whole number that is no half is not rounded
        to one. It is 1 / (2 * divisor) or more away from it, and so twice the rounding error or more.
        """
        if self._magnitude is None:
            product = x.astype(np.float32) @ self.numbers
            return product if scale == 1 else np.multiply(product, np.float32(scale), out=product)
        bound = largest * self._magnitude
        scaled = bound * scale * (1 if scale == 1 else 2)
        multiply = self._multiplier(x)
        if multiply is not None and scaled < FLOAT32_EXACT:
            return multiply.scaled(x, self.numbers, scale)
        if multiply is not None and bound < 1 << 31:
            product = multiply.exact(x, self.numbers)
        else:
            product = _product_below(bound, x, self.numbers)
        return product if scale == 1 else product.astype(_exact_type(scaled), copy=False) * scale

    def _multiplier(self, x: Array) -> "Multiplier | None":
        """The multiplier of 8-bit integers, if these are such and it is exact for them."""
        if x.dtype.itemsize > 1 or self.numbers.dtype.itemsize > 1:
            return None
        multiply = multiplier(self.numbers.dtype.name)
        if multiply is None:
            return None
        pairs_fit = 2 * 255 * self._steepest < 1 << 15
        return multiply if pairs_fit or multiply.adds_wide else None


class Multiplier(Protocol):
    """Multiplies uint8 or int8 [m, k] with 8-bit [k, n]."""

    adds_wide: bool
    """Whether large products are added exactly: processors without VNNI add two in 16 bits, and saturate."""

    def scaled(self, x: Array, w: Array, scale: int) -> Array:
        """The products times a number, float32 [m, n]."""
        ...

    def exact(self, x: Array, w: Array) -> Array:
        """The products, int32 [m, n]."""
        ...


_threads = 1


def use_threads(count: int) -> None:
    """Lets onnxruntime take so many threads from now on; at first it is one."""
    global _threads
    _threads = count
    multiplier.cache_clear()


@cache
def multiplier(w_type: str) -> Multiplier | None:
    """onnxruntime's product of integers for a type of stored matrix; None where it is not installed."""
    try:
        return _OnnxruntimeMultiplier(w_type)
    except ImportError:
        return None


class _OnnxruntimeMultiplier:
    def __init__(self, w_type: str) -> None:
        self._scaled = _session(
            "MatMulIntegerToFloat", "com.microsoft", w_type, "one scale x_zero", "float32"
        )
        self._exact = _session("MatMulInteger", "", w_type, "x_zero", "int32")
        self._one = np.array(1, np.float32)
        self._zeros = {np.dtype(np.uint8): np.array(0, np.uint8), np.dtype(np.int8): np.array(128, np.uint8)}
        largest = np.full((64, 1), np.iinfo(w_type).max, w_type)
        expected = 64 * 255 * int(largest[0, 0])
        self.adds_wide = int(self.exact(np.full((1, 64), 255, np.uint8), largest)[0, 0]) == expected

    def scaled(self, x: Array, w: Array, scale: int) -> Array:
        scales = {"one": self._one, "scale": np.array(scale, np.float32)}
        return self._scaled.run(None, {**self._codes(x), "w": w, **scales})[0]

    def exact(self, x: Array, w: Array) -> Array:
        return self._exact.run(None, {**self._codes(x), "w": w})[0]

    def _codes(self, x: Array) -> dict[str, Array]:
        """Codes without a sign, and the zero point that takes off what was added to them."""
        zero = self._zeros[x.dtype]
        return {"x": x if x.dtype == np.uint8 else x.view(np.uint8) ^ np.uint8(128), "x_zero": zero}


def _session(op_type: str, domain: str, w_type: str, more_inputs: str, result: str) -> Any:
    """An onnxruntime session of one op of `x` and `w` and scalars; its types are not known."""
    import onnxruntime
    from onnx import helper

    types = {"x": "uint8", "w": w_type, "one": "float32", "scale": "float32", "x_zero": "uint8"}
    shapes: dict[str, list[str]] = {"x": ["m", "k"], "w": ["k", "n"]}
    names = ["x", "w", *more_inputs.split()]

    def value(name: str, numpy_type: str, shape: list[str]) -> Any:
        element = helper.np_dtype_to_tensor_dtype(np.dtype(numpy_type))
        return helper.make_tensor_value_info(name, element, shape)

    inputs = [value(name, types[name], shapes.get(name, [])) for name in names]
    node = helper.make_node(op_type, names, ["y"], domain=domain)
    graph = helper.make_graph([node], "product", inputs, [value("y", result, ["m", "n"])])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options: Any = onnxruntime.SessionOptions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    options.intra_op_num_threads, options.inter_op_num_threads = _threads, 1
    session: Any = onnxruntime.InferenceSession
    return session(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

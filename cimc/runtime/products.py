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
    dtype = _exact_type(largest * _column_magnitude(w))
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
        self._w = w
        self._magnitude: int | None = None
        self._steepest = 0
        if w.dtype.kind not in "iu":
            return
        low, high = int(w.min(initial=0)), int(w.max(initial=0))
        self._magnitude = _column_magnitude(w)
        self._steepest = max(-low, high)
        byte = np.int8 if low < 0 else np.uint8
        if np.iinfo(byte).min <= low and high <= np.iinfo(byte).max:
            self._w = np.ascontiguousarray(w, byte)

    def times(self, x: Array, largest: int, scale: int = 1) -> Array:
        """The products of codes [m, k] of this magnitude at most, times a whole number.

        Of whole numbers they are exact, in float32, float64 or int64; of floats they are float32.
        """
        if self._magnitude is None:
            product = x.astype(np.float32) @ self._w
            return product if scale == 1 else np.multiply(product, np.float32(scale), out=product)
        bound = largest * self._magnitude
        if bound * scale < FLOAT32_EXACT and (multiply := self._multiplier(x)) is not None:
            return multiply(x, self._w, scale)
        dtype = _exact_type(bound)
        product = x.astype(dtype) @ self._w.astype(dtype)
        return product if scale == 1 else product.astype(_exact_type(bound * scale), copy=False) * scale

    def _multiplier(self, x: Array) -> "Multiplier | None":
        """The multiplier of 8-bit integers, if these are such and it is exact for them."""
        if x.dtype.itemsize > 1 or self._w.dtype.itemsize > 1:
            return None
        multiply = multiplier(self._w.dtype.name)
        if multiply is None:
            return None
        pairs_fit = 2 * 255 * self._steepest < 1 << 15
        return multiply if pairs_fit or multiply.adds_wide else None


class Multiplier(Protocol):
    """Multiplies uint8 or int8 [m, k] with 8-bit [k, n] and a number, to float32 [m, n]."""

    adds_wide: bool
    """Whether large products are added exactly: processors without VNNI add two in 16 bits, and saturate."""

    def __call__(self, x: Array, w: Array, scale: int) -> Array: ...


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
        import onnxruntime
        from onnx import TensorProto, helper

        info = helper.make_tensor_value_info
        names = ["x", "w", "one", "scale", "zero"]
        node = helper.make_node("MatMulIntegerToFloat", names, ["y"], domain="com.microsoft")
        inputs = [
            info("x", TensorProto.UINT8, ["m", "k"]),
            info("w", TensorProto.INT8 if w_type == "int8" else TensorProto.UINT8, ["k", "n"]),
            info("one", TensorProto.FLOAT, []),
            info("scale", TensorProto.FLOAT, []),
            info("zero", TensorProto.UINT8, []),
        ]
        graph = helper.make_graph([node], "product", inputs, [info("y", TensorProto.FLOAT, ["m", "n"])])
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        options: Any = onnxruntime.SessionOptions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        options.intra_op_num_threads, options.inter_op_num_threads = _threads, 1
        self._session: Any = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._one = np.array(1, np.float32)
        self._zeros = {np.dtype(np.uint8): np.array(0, np.uint8), np.dtype(np.int8): np.array(128, np.uint8)}
        largest = np.full((64, 1), np.iinfo(w_type).max, w_type)
        exact = 64 * 255 * int(largest[0, 0])
        self.adds_wide = int(self(np.full((1, 64), 255, np.uint8), largest, 1)[0, 0]) == exact

    def __call__(self, x: Array, w: Array, scale: int) -> Array:
        zero = self._zeros[x.dtype]
        if x.dtype == np.int8:
            x = x.view(np.uint8) ^ np.uint8(128)  # x + 128, which the zero point takes off
        scales = np.array(scale, np.float32)
        feed = {"x": x, "w": w, "one": self._one, "scale": scales, "zero": zero}
        return self._session.run(None, feed)[0]

"""The array type of the runtime and the element types of ONNX."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# The values of `onnx.TensorProto.DataType` that numpy itself knows.
_NUMPY_TYPES: dict[int, type[np.generic]] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    4: np.uint16,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool,
    10: np.float16,
    11: np.float64,
    12: np.uint32,
    13: np.uint64,
}
_BFLOAT16 = 16


def dtype_of(onnx_type: int) -> np.dtype[Any]:
    """The numpy element type of an ONNX `TensorProto.DataType`."""
    if onnx_type == _BFLOAT16:
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    if onnx_type not in _NUMPY_TYPES:
        raise ValueError(f"ONNX element type {onnx_type} is not supported")
    return np.dtype(_NUMPY_TYPES[onnx_type])


def widen(x: Array) -> Array:
    """`x` with 16-bit floats as float32, the type in which arithmetic on them is done."""
    return x.astype(np.float32) if x.dtype.name in ("float16", "bfloat16") else x


def lowest(dtype: np.dtype[Any]) -> Any:
    """The identity of `maximum` in `dtype`."""
    if dtype.kind == "b":
        return False
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return -np.inf


def mean(x: Array, axes: Sequence[int] | None, *, keepdims: bool) -> Any:
    """The mean along `axes`, all if None; of nothing it is NaN, without numpy's warning."""
    chosen = None if axes is None else tuple(axes)
    if x.size == 0:
        return x.sum(chosen, keepdims=keepdims) + np.nan
    return x.mean(chosen, keepdims=keepdims)

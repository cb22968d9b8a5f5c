"""What is read as Python numbers, which stay constants in a traced graph."""

from typing import Any, cast

import torch
from torch import Tensor

# The values of `onnx.TensorProto.DataType` that torch computes with.
_TYPES: dict[int, torch.dtype] = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    4: torch.uint16,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}


def dtype_of(onnx_type: int) -> torch.dtype:
    """The torch element type of an ONNX `TensorProto.DataType`."""
    if onnx_type not in _TYPES:
        raise ValueError(f"ONNX element type {onnx_type} is not supported")
    return _TYPES[onnx_type]


def ints(constant: Tensor) -> list[int]:
    """The elements of a vector of integers."""
    return cast(Any, constant).tolist()


def sizes(x: Tensor) -> tuple[int, ...]:
    """The shape of `x` in numbers (in a trace, the sizes of a tensor are tensors)."""
    return tuple(int(n) for n in x.shape)

"""Between xDSL's tensor types and numpy's."""

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    IntegerType,
    Signedness,
    TensorType,
    UnrankedTensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from cimc.runtime.arrays import Array

Shape: TypeAlias = tuple[int, ...]
AnyTensor: TypeAlias = TensorType[Attribute]

_ELEMENTS: dict[str, Attribute] = {
    "float16": f16,
    "bfloat16": bf16,
    "float32": f32,
    "float64": f64,
    "bool": i1,
    "int8": i8,
    "int16": i16,
    "int32": i32,
    "int64": i64,
    "uint8": IntegerType(8, Signedness.UNSIGNED),
    "uint16": IntegerType(16, Signedness.UNSIGNED),
    "uint32": IntegerType(32, Signedness.UNSIGNED),
    "uint64": IntegerType(64, Signedness.UNSIGNED),
}
"""Element types by numpy's name. Signless integers are signed, as in onnx-mlir."""

_FLOATS: dict[type[Attribute], str] = {
    Float16Type: "float16",
    BFloat16Type: "bfloat16",
    Float32Type: "float32",
    Float64Type: "float64",
}


def element_of(dtype: np.dtype[Any]) -> Attribute:
    """The element type of an array. Raises `TypeError` for types that no op takes."""
    try:
        return _ELEMENTS[dtype.name]
    except KeyError:
        raise TypeError(f"arrays of {dtype.name} are not supported") from None


def dtype_of(element: Attribute) -> np.dtype[Any]:
    """The numpy type that holds an element: codes of odd widths (`si5`) lie in the next wider one."""
    if name := _FLOATS.get(type(element)):
        if name == "bfloat16":
            import ml_dtypes

            return np.dtype(ml_dtypes.bfloat16)
        return np.dtype(name)
    if not isinstance(element, IntegerType):
        raise TypeError(f"no array holds elements of type {element}")
    if element == i1:
        return np.dtype(bool)
    integer = cast(IntegerType, element)
    width = integer.width.data
    prefix = "uint" if integer.signedness.data == Signedness.UNSIGNED else "int"
    for size in (8, 16, 32, 64):
        if width <= size:
            return np.dtype(f"{prefix}{size}")
    raise TypeError(f"no array holds elements of type {element}")


def codes_type(bits: int, *, signed: bool) -> IntegerType:
    """The element type of `bits`-bit integer codes: `si5`, `ui4`."""
    return IntegerType(bits, Signedness.SIGNED if signed else Signedness.UNSIGNED)


def code_range(element: IntegerType) -> tuple[int, int]:
    """The smallest and the largest code of an integer type; signless counts as signed."""
    bits = element.width.data
    if element.signedness.data == Signedness.UNSIGNED:
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def type_holding(low: int, high: int) -> IntegerType:
    """The narrowest integer type that holds `low`..`high`, unsigned if `low` is not negative."""
    if low >= 0:
        return codes_type(max(1, high.bit_length()), signed=False)
    return codes_type(max(high.bit_length(), (-low - 1).bit_length()) + 1, signed=True)


def tensor_of(array: np.ndarray[Any, np.dtype[Any]]) -> AnyTensor:
    """The tensor type of an array."""
    return TensorType(element_of(array.dtype), array.shape)


def tensor_type(value: SSAValue | Attribute) -> AnyTensor:
    """The ranked tensor type of a value. Raises `VerifyException` if it has another type."""
    type_ = value.type if isinstance(value, SSAValue) else value
    if not isinstance(type_, TensorType):
        raise VerifyException(f"a ranked tensor is needed, got {type_}")
    return cast(AnyTensor, type_)


def shape_of(value: SSAValue | Attribute) -> Shape:
    """The shape of a value of ranked tensor type; -1 stands for an unknown size."""
    return tensor_type(value).get_shape()


def element_type(value: SSAValue | Attribute) -> Attribute:
    """The element type of a ranked or unranked tensor."""
    type_ = value.type if isinstance(value, SSAValue) else value
    if isinstance(type_, TensorType | UnrankedTensorType):
        return cast(AnyTensor, type_).element_type
    raise VerifyException(f"a tensor is needed, got {type_}")


def integer_of(value: SSAValue | Attribute) -> IntegerType:
    """The element type of a tensor of integers. Raises `VerifyException` if it holds something else."""
    element = element_type(value)
    if not isinstance(element, IntegerType):
        raise VerifyException(f"integers are needed, got {element}")
    return cast(IntegerType, element)


def is_static(type_: Attribute) -> bool:
    """Whether a type is a ranked tensor whose sizes are all known."""
    return isinstance(type_, TensorType) and all(n >= 0 for n in cast(AnyTensor, type_).get_shape())


def retyped(type_: Attribute, element: Attribute, shape: Sequence[int] | None = None) -> AnyTensor:
    """A tensor type with another element type, and another shape if one is given."""
    return TensorType(element, shape_of(type_) if shape is None else shape)


def set_type(value: SSAValue, type_: Attribute) -> None:
    """Gives a value another type in place, as when its shape becomes known."""
    value._type = type_  # pyright: ignore[reportPrivateUsage]


def dense(array: Array, type_: AnyTensor) -> DenseIntOrFPElementsAttr:
    """A dense attribute of an array, whose element type may be narrower than numpy's."""
    values: list[Any] = array.reshape(-1).tolist()
    return DenseIntOrFPElementsAttr.from_list(cast(TensorType[IntegerType], type_), values)

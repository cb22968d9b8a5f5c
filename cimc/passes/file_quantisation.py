"""Reads from the `onnx` dialect how a file quantises weights and activations: QDQ, QCDQ and QONNX.

The width of QDQ is that of the integer type, that of QCDQ stands in the bounds of a Clip on the codes, and
QONNX says it outright.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import SSAValue

from cimc.context import CimcContext
from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.tensor_types import code_range, element_type, shape_of, type_holding
from cimc.dialects.weights import LoadOp
from cimc.errors import CimcError
from cimc.interpreters.onnx import run_onnx_op
from cimc.locations import node_of
from cimc.passes.constants import constant
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer

MAX_GRID_BITS = 16
"""Wider activations are quantised anew: they would take more cycles than they are worth."""

_LAYOUT = ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")
"""Ops that move weights without changing them."""

_SAME_VALUES = (
    *_LAYOUT,
    "Dropout",
    "Expand",
    "Gather",
    "GlobalMaxPool",
    "MaxPool",
    "ReduceMax",
    "Slice",
    "Split",
)
"""Ops whose results hold values of their first operand and no others."""


@dataclass(frozen=True)
class StoredWeights:
    """Constant weights as the file has them: float values, or codes less their zero point."""

    values: Array
    low: int = 0
    high: int = 0
    """The codes, less the zero point, lie in `low`..`high`."""
    scale: Array | None = None
    """None for float values; else [1] or one for each index of `axis`."""
    axis: int | None = None
    bits: int | None = None
    source: LoadOp | None = None

    @property
    def element(self) -> IntegerType:
        """The type of the codes."""
        return type_holding(self.low, self.high)

    def swapped(self) -> "StoredWeights":
        """With the last two axes exchanged."""
        rank = self.values.ndim
        order = [*range(rank - 2), rank - 1, rank - 2]
        axis = None if self.axis is None else order.index(self.axis)
        return replace(self, values=self.values.transpose(order), axis=axis)

    def as_matrix(self) -> "StoredWeights":
        """A vector as a matrix with one output."""
        return replace(self, values=self.values[:, None]) if self.values.ndim == 1 else self

    def without_leading_ones(self) -> "StoredWeights":
        """One matrix, if it is the only one of a batch."""
        *batch, inputs, outputs = self.values.shape
        if prod(batch) != 1:
            return self
        axis = None if self.axis is None else self.axis - len(batch)
        return replace(self, values=self.values.reshape(inputs, outputs), axis=axis)

    def scaled(self, factor: float) -> "StoredWeights":
        """The same weights times a factor: codes keep their values."""
        if factor == 1.0:
            return self
        if self.scale is None:
            return replace(self, values=self.values * np.float32(factor))
        return replace(self, scale=self.scale * np.float32(factor))

    def broadcast_to(self, batch: Sequence[int]) -> "StoredWeights":
        """Repeated for each matrix of a batch."""
        shape = (*batch, *self.values.shape[-2:])
        axis = None if self.axis is None else self.axis + len(shape) - self.values.ndim
        return replace(self, values=np.broadcast_to(self.values, shape), axis=axis)


def read_weights(ctx: CimcContext, value: SSAValue) -> StoredWeights | None:
    """Constant weights through their quantisation and layout ops; None if they are computed."""
    array = constant(ctx, value)
    if array is not None:
        source = value.owner if isinstance(value.owner, LoadOp) else None
        return StoredWeights(array, source=source)
    op = value.owner
    if not isinstance(op, OnnxOp):
        return None
    if op.op_type == "DequantizeLinear":
        return _read_dequantized(ctx, op)
    if op.op_type == "Quant":
        return _read_quant(ctx, op)
    if op.op_type in _LAYOUT:
        inner = read_weights(ctx, op.operands[0])
        return None if inner is None else _moved(ctx, op, inner)
    return None


def evaluate(ctx: CimcContext, value: SSAValue) -> Array | None:
    """The array of a value that depends on constants only, quantisation included."""
    array = constant(ctx, value)
    if array is not None or not isinstance(value.owner, OnnxOp):
        return array
    arrays = [evaluate(ctx, operand) for operand in value.owner.operands]
    known = [a for a in arrays if a is not None]
    if not known or len(known) != len(arrays):
        return None
    results = run_onnx_op(value.owner, known)
    return next(a for a, r in zip(results, value.owner.results, strict=True) if r is value)


def _read_dequantized(ctx: CimcContext, op: OnnxOp) -> StoredWeights | None:
    codes_value, scale_value, *rest = op.operands
    codes = evaluate(ctx, codes_value)
    scale = evaluate(ctx, scale_value)
    if codes is None or scale is None:
        return None
    if op.onnx_attributes().get("block_size", 0) or scale.ndim > 1:
        raise CimcError(f"{node_of(op)}: weights with a scale for each block are not supported")
    zero_point = evaluate(ctx, rest[0]) if rest else np.zeros((), codes.dtype)
    if zero_point is None:
        return None
    bits, low, high = _code_bounds(ctx, codes_value)
    axis = None if scale.size == 1 else int(op.onnx_attributes()["axis"]) % codes.ndim
    return _centered(codes, zero_point, low, high, scale, axis, bits, _source(codes_value))


def _read_quant(ctx: CimcContext, op: OnnxOp) -> StoredWeights | None:
    arrays = [evaluate(ctx, operand) for operand in op.operands]
    if any(a is None for a in arrays):
        return None
    x, scale, zero_point, width = (a for a in arrays if a is not None)
    attributes = op.onnx_attributes()
    bits, low, high = _quant_bounds(op, attributes, width)
    (values,) = run_onnx_op(op, [x, scale, zero_point, width])
    if not ((zero_point == np.rint(zero_point)) & (np.abs(zero_point) < 1 << 31)).all():
        raise CimcError(f"{node_of(op)}: zero points must be whole numbers of 32 bits, not {zero_point}")
    codes = np.rint(values / scale + zero_point).astype(np.int64)
    axis = None if scale.size == 1 else int(np.argmax(scale.shape)) + x.ndim - scale.ndim
    if scale.size > 1 and max(scale.shape) != scale.size:
        raise CimcError(f"{node_of(op)}: scales along more than one axis are not supported")
    return _centered(codes, zero_point.reshape(-1), low, high, scale, axis, bits, _source(op.operands[0]))


def _centered(
    codes: Array,
    zero_point: Array,
    low: int,
    high: int,
    scale: Array,
    axis: int | None,
    bits: int,
    source: LoadOp | None,
) -> StoredWeights:
    low, high = low - int(zero_point.max()), high - int(zero_point.min())
    if zero_point.any():
        shape = [1] * codes.ndim
        if axis is not None and zero_point.size > 1:
            shape[axis] = -1
        codes = codes.astype(np.int32) - zero_point.astype(np.int32).reshape(shape)
    bits = max(bits, (-low).bit_length(), high.bit_length())  # a zero point may lie outside of the codes
    element = type_holding(low, high)
    size = next(n for n in (8, 16, 32, 64) if element.width.data <= n)
    dtype = f"{'int' if low < 0 else 'uint'}{size}"
    return StoredWeights(codes.astype(dtype, copy=False), low, high, scale.reshape(-1), axis, bits, source)


def _moved(ctx: CimcContext, op: OnnxOp, weights: StoredWeights) -> StoredWeights | None:
    others = [constant(ctx, operand) for operand in op.operands[1:]]
    known = [a for a in others if a is not None]
    if len(known) != len(others):
        return None
    (values,) = run_onnx_op(op, [weights.values, *known])
    axis = weights.axis
    if axis is not None:
        # Follow the channels: an array that holds each element's channel is moved the same way.
        index = _line(weights.values.shape[axis], axis, weights.values.ndim)
        (moved,) = run_onnx_op(op, [np.broadcast_to(index, weights.values.shape), *known])
        axis = _axis_of(moved)
        if axis is None:
            raise CimcError(f"{node_of(op)}: it mixes channels of weights that have scales of their own")
    return StoredWeights(values, weights.low, weights.high, weights.scale, axis, weights.bits, weights.source)


def _line(size: int, axis: int, rank: int) -> Array:
    """0, 1, 2, … along one axis of so many."""
    numbers: Array = np.arange(size)
    return numbers.reshape([-1 if i == axis else 1 for i in range(rank)])


def _axis_of(index: Array) -> int | None:
    for axis, size in enumerate(index.shape):
        if np.array_equal(index, np.broadcast_to(_line(size, axis, index.ndim), index.shape)):
            return axis
    return None


def _source(value: SSAValue) -> LoadOp | None:
    while isinstance(value.owner, OnnxOp):
        value = value.owner.operands[0]
    return value.owner if isinstance(value.owner, LoadOp) else None


def _code_bounds(ctx: CimcContext, codes: SSAValue) -> tuple[int, int, int]:
    """Bits, smallest and largest of codes: by the Clip that bounds them, else by their type."""
    element = element_type(codes)
    if not isinstance(element, IntegerType):
        raise CimcError(f"codes of type {element} are not supported")
    low, high = code_range(cast(IntegerType, element))
    value = codes
    while isinstance(value.owner, OnnxOp) and value.owner.op_type in (*_SAME_VALUES, "Clip"):
        if value.owner.op_type == "Clip":
            _, *bounds = value.owner.onnx_operands()
            arrays = [None if b is None else constant(ctx, b) for b in (*bounds, None, None)]
            low = low if arrays[0] is None else max(low, int(arrays[0]))
            high = high if arrays[1] is None else min(high, int(arrays[1]))
            break
        value = value.owner.operands[0]
    return _bits_for(low, high), low, high


def _bits_for(low: int, high: int) -> int:
    # Two bits at least for signed codes: with one, a symmetric range would hold nothing but 0.
    return max(2 if low < 0 else 1, type_holding(low, high).width.data)


def _quant_bounds(op: OnnxOp, attributes: dict[str, Any], width: Array) -> tuple[int, int, int]:
    bits = float(width.reshape(-1)[0]) if width.size else 0.0
    if width.size != 1 or not bits.is_integer() or not 1 <= bits <= 32:
        raise CimcError(f"{node_of(op)}: the width must be one whole number of bits, not {width}")
    signed, narrow = bool(attributes["signed"]), bool(attributes["narrow"])
    quantizer = Quantizer(1.0, 0, int(bits), signed, narrow)
    high = quantizer.high - (narrow and not signed)
    return int(bits), quantizer.low, high


def grid_of(ctx: CimcContext, value: SSAValue) -> Quantizer | None:
    """The quantiser on whose values all of `value` lies, as the file says; None if there is none."""
    op = value.owner
    if not isinstance(op, OnnxOp):
        return None
    if op.op_type in _SAME_VALUES or op.op_type == "Relu":
        return grid_of(ctx, op.operands[0])
    if op.op_type == "DequantizeLinear":
        return _dequantized_grid(ctx, op)
    if op.op_type == "Quant":
        return _quant_grid(ctx, op)
    if op.op_type == "Concat":
        grids = {grid_of(ctx, operand) for operand in op.operands}
        return grids.pop() if len(grids) == 1 else None
    if op.op_type in ("Div", "Mul"):
        return _scaled_grid(ctx, op)
    if count := _averaged(ctx, op):
        grid = grid_of(ctx, op.operands[0])
        return None if grid is None else _average_grid(grid, count)
    return None


def _dequantized_grid(ctx: CimcContext, op: OnnxOp) -> Quantizer | None:
    scale = evaluate(ctx, op.operands[1])
    zero = evaluate(ctx, op.operands[2]) if len(op.operands) > 2 else np.zeros((), np.int64)
    if scale is None or zero is None or scale.size != 1 or zero.size != 1:
        return None
    bits, low, high = _code_bounds(ctx, op.operands[0])
    if bits > MAX_GRID_BITS or not 0 < scale.reshape(-1)[0] < np.inf:
        return None
    return Quantizer(float(scale.reshape(-1)[0]), int(zero.reshape(-1)[0]), bits, low < 0, -low == high > 0)


def _quant_grid(ctx: CimcContext, op: OnnxOp) -> Quantizer | None:
    scale, zero, width = (evaluate(ctx, operand) for operand in op.operands[1:])
    if scale is None or zero is None or width is None or scale.size != 1 or zero.size != 1:
        return None
    bits, low, high = _quant_bounds(op, op.onnx_attributes(), width)
    zero_point = float(zero.reshape(-1)[0])
    if bits > MAX_GRID_BITS or not zero_point.is_integer() or not 0 < scale.reshape(-1)[0] < np.inf:
        return None
    return Quantizer(float(scale.reshape(-1)[0]), int(zero_point), bits, low < 0, -low == high > 0)


def _scaled_grid(ctx: CimcContext, op: OnnxOp) -> Quantizer | None:
    """A grid times a constant, as attention scales its queries."""
    for index, other in ((0, 1), (1, 0)):
        factor = evaluate(ctx, op.operands[other])
        if factor is None or factor.size != 1 or not factor.reshape(-1)[0] > 0:
            continue
        grid = grid_of(ctx, op.operands[index])
        if grid is None or (op.op_type == "Div" and index == 1):
            return None
        value = float(factor.reshape(-1)[0])
        return replace(grid, scale=grid.scale * value if op.op_type == "Mul" else grid.scale / value)
    return None


def _averaged(ctx: CimcContext, op: OnnxOp) -> int:
    """How many values each result of an op is the average of; 0 if it is no plain average."""
    attributes = op.onnx_attributes()
    if op.op_type == "GlobalAveragePool":
        return prod(shape_of(op.operands[0])[2:])
    if op.op_type == "ReduceMean":
        return prod(shape_of(op.operands[0])) // max(1, prod(shape_of(op.results[0])))
    if op.op_type == "AveragePool":
        padded = any(attributes.get("pads", ())) or attributes["auto_pad"] not in (
            "NOTSET",
            "VALID",
        )
        # Padding that is counted adds zeros, which are on every grid.
        if (not padded or attributes["count_include_pad"]) and not attributes["ceil_mode"]:
            return prod(attributes["kernel_shape"])
    return 0


def _average_grid(grid: Quantizer, count: int) -> Quantizer | None:
    """The sums of `count` codes are whole numbers: averages lie on a grid that is as many times finer."""
    low, high = (count * (code - grid.zero_point) for code in (grid.low, grid.high))
    element = type_holding(low, high)
    if element.width.data > MAX_GRID_BITS:
        return None
    return Quantizer(grid.scale / count, 0, element.width.data, low < 0)

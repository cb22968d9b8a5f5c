"""From when on each element of a value is there, if digital work takes no time.

A time is one for the whole value, or an array that spreads to the value's shape: of size 1 along axes on
which it does not depend. An op's result is there when all is there that it is computed from: the rules below
say what that is, element by element; where there is none, everything waits for everything.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from xdsl.ir import Operation, SSAValue

from cimc.dialects.cim.digital import (
    DequantizeOp,
    Im2colOp,
    QuantizeOp,
    RecenterOp,
    ReshapeOp,
    ToImageOp,
)
from cimc.dialects.cim.mapping import RemoveOffsetOp
from cimc.dialects.cim.packing import PackVectorsOp, TransposeOp, UnpackSumsOp
from cimc.dialects.cim.signs import InputSumOp, SubtractOffsetOp, SubtractOp, WindowSumOp
from cimc.dialects.onnx import activation, elementwise, quantize
from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.tensor_types import Shape, shape_of
from cimc.dialects.weights import InlineOp, LoadOp
from cimc.interpreters.onnx import run_onnx_op
from cimc.interpreters.weights import inline_array, loaded_array
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS
from cimc.runtime.layout import im2col, patches, to_image
from cimc.runtime.packing import Axis, pack_vectors, unpack_sums
from cimc.tensor_store import TensorStore

Ready: TypeAlias = int | Array
"""Picoseconds."""

_ALONG_AN_AXIS = ("LogSoftmax", "Softmax")
_ELEMENTWISE = frozenset(
    {op.name.removeprefix("onnx.") for op in (*activation.OPS, *elementwise.OPS, *quantize.OPS)}
    - {*_ALONG_AN_AXIS}
) | {"BatchNormalization", "Cast", "Dropout", "Identity"}
MOVES = frozenset(
    (
        "Concat",
        "Expand",
        "Flatten",
        "Gather",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    )
)
"""Operators that only bring elements to other places."""
_POOLS = ("AveragePool", "MaxPool")
_REDUCTIONS = ("ReduceMax", "ReduceMean", "ReduceSum")


class Readiness:
    """Times by value. What nothing is noted of is there from the start."""

    def __init__(self, tensors: TensorStore) -> None:
        self._tensors = tensors
        self._ready: dict[SSAValue, Ready] = {}

    def of(self, value: SSAValue) -> Ready:
        """From when on the elements of a value are there."""
        return self._ready.get(value, 0)

    def latest(self, *values: SSAValue) -> int:
        """From when on all of some values is there."""
        return max((_last(self.of(value)) for value in values), default=0)

    def note(self, value: SSAValue, ready: Ready) -> None:
        """Says when a value is there."""
        self._ready[value] = ready

    def digital(self, op: Operation) -> None:
        """Notes the results of an op that takes no time."""
        results: Sequence[Ready] | None = None
        if any(_by_element(self.of(value)) for value in op.operands):
            rule = _RULES.get(type(op))
            if rule is not None:
                results = [rule(self, op)]
            elif isinstance(op, OnnxOp):
                results = self._onnx(op)
        if results is None:
            results = [self.latest(*op.operands)] * len(op.results)
        for result, ready in zip(op.results, results, strict=True):
            self._ready[result] = ready

    def full(self, value: SSAValue) -> Array:
        """The times of all elements of a value."""
        return np.broadcast_to(np.asarray(self.of(value), np.int64), shape_of(value))

    def merged(self, values: Sequence[SSAValue]) -> Ready:
        """For elements that are computed from those in the same place of all the values."""
        return reduce(np.maximum, [self.of(value) for value in values])

    def _onnx(self, op: OnnxOp) -> Sequence[Ready] | None:
        if op.op_type in _ELEMENTWISE and len(op.results) == 1:
            return [self.merged(op.operands)]
        data = op.operands[0]
        if op.op_type in MOVES:
            return [_compressed(times) for times in run_onnx_op(op, [self._moved(v) for v in op.operands])]
        if op.op_type in _POOLS and len(op.results) == 1:
            attributes = {k: v for k, v in op.onnx_attributes().items() if k != "count_include_pad"}
            (times,) = KERNELS["MaxPool"](self.by_pixel(data).astype(np.float64), **attributes)
            return [times.astype(np.int64)]
        if op.op_type in _ALONG_AN_AXIS:
            axis = op.onnx_attributes().get("axis", -1)
            return [self.full(data).max(axis=axis, keepdims=True)]
        if op.op_type in _REDUCTIONS:
            reduced = (self.full(data).astype(np.float64), *map(self._moved, op.operands[1:]))
            (times,) = KERNELS["ReduceMax"](*reduced, **op.onnx_attributes())
            return [times.astype(np.int64)]
        if op.op_type == "LayerNormalization" and len(op.results) == 1:
            axis = op.onnx_attributes().get("axis", -1) % len(shape_of(data))
            return [self.full(data).max(axis=tuple(range(axis, len(shape_of(data)))), keepdims=True)]
        return None

    def _moved(self, value: SSAValue) -> Array:
        """What stands for an operand of a move: a constant, which says how, for itself, times for others."""
        if isinstance(value.owner, LoadOp):
            return loaded_array(value.owner, self._tensors)
        if isinstance(value.owner, InlineOp):
            return inline_array(value.owner.value)
        return self.full(value)

    def by_pixel(self, value: SSAValue) -> Array:
        """The times of a picture's pixels, all channels together: [pictures, 1, ...]."""
        return self.full(value).max(axis=1, keepdims=True)


def patch_times(pixels: Array, axes: Sequence[Axis], positions: Sequence[int], pads: Sequence[int]) -> Array:
    """The times of vectors that read patches of output positions, [1, vectors, 1], from those of pixels."""
    vectors = patches(
        pixels, matrices=1, groups=1, channels=1, axes=axes, positions=positions, pads=pads, pad_code=0
    )
    return vectors.max(axis=2, keepdims=True)


def image_times(vectors: Array, shape: Shape, positions: Sequence[int] = ()) -> Array:
    """The times of pixels, [pictures, 1, ...], from those of vectors that give a patch of positions each."""
    size = prod(positions)
    spread = np.broadcast_to(vectors[None, :, None], (1, len(vectors), size))
    return to_image(spread, (shape[0], 1, *shape[2:]), positions if size > 1 else ())


def _by_element(ready: Ready) -> TypeGuard[Array]:
    return isinstance(ready, np.ndarray)


def _last(ready: Ready) -> int:
    return int(ready.max(initial=0)) if _by_element(ready) else int(ready)


def _compressed(times: Array) -> Ready:
    """The same with size 1 along axes on which times do not depend."""
    for axis in range(times.ndim):
        first = times.take([0], axis)
        if np.array_equal(np.broadcast_to(first, times.shape), times):
            times = first
    return times


def _windows(r: Readiness, op: Im2colOp | WindowSumOp) -> Array:
    """The times of the windows of a convolution, [1, vectors, 1]."""
    pixels, pads = r.by_pixel(op.x), op.pads.get_values()
    if isinstance(op, Im2colOp) and op.packing is not None:
        return patch_times(pixels, op.structure().axes, op.packing.data.positions, pads)
    vectors = im2col(
        pixels,
        matrices=1,
        inputs=prod(op.kernel.get_values()),
        kernel=op.kernel.get_values(),
        strides=op.strides.get_values(),
        pads=pads,
        dilations=op.dilations.get_values(),
        pad_code=0,
    )
    return vectors.max(axis=2, keepdims=True)


def _image(r: Readiness, op: ToImageOp) -> Array:
    positions = () if op.packing is None else op.packing.data.positions
    return image_times(r.full(op.sums).max(axis=(0, 2)), shape_of(op.image), positions)


def _packed(r: Readiness, op: PackVectorsOp) -> Ready:
    return _compressed(pack_vectors(r.full(op.x), *op.sizes()))


def _unpacked(r: Readiness, op: UnpackSumsOp) -> Ready:
    return _compressed(unpack_sums(r.full(op.sums), *op.sizes(), shape_of(op.result)))


def _offset_taken_off(r: Readiness, op: SubtractOffsetOp) -> Array:
    axis = op.axis.value.data
    return np.maximum(*(r.full(v).max(axis=axis, keepdims=True) for v in (op.sums, op.inputs)))


_RULES: dict[type[Operation], Callable[[Readiness, Any], Ready]] = {
    QuantizeOp: lambda r, op: r.merged(op.operands),
    DequantizeOp: lambda r, op: r.merged(op.operands),
    RecenterOp: lambda r, op: r.merged(op.operands),
    SubtractOp: lambda r, op: r.merged(op.operands),
    SubtractOffsetOp: _offset_taken_off,
    RemoveOffsetOp: lambda r, op: r.full(op.sums).max(axis=-1, keepdims=True),
    InputSumOp: lambda r, op: r.full(op.x).max(axis=-1, keepdims=True),
    Im2colOp: _windows,
    WindowSumOp: lambda r, op: image_times(_windows(r, op).ravel(), shape_of(op.result)),
    ToImageOp: _image,
    ReshapeOp: lambda r, op: _compressed(r.full(op.x).reshape(shape_of(op.result))),
    TransposeOp: lambda r, op: _compressed(r.full(op.x).swapaxes(-1, -2)),
    PackVectorsOp: _packed,
    UnpackSumsOp: _unpacked,
}
"""Of ops of the `cim` dialect; those of the `onnx` dialect go by families."""

"""Softmax and the normalisations."""

import numpy as np

from cimc.runtime.arrays import Array, dtype_of, mean, widen


@np.errstate(invalid="ignore")
def softmax(x: Array, *, axis: int = -1) -> tuple[Array]:
    """ONNX Softmax (from opset 13 on): normalised along the one `axis`."""
    wide = widen(x)
    e = np.exp(wide - wide.max(axis, keepdims=True))
    return (np.asarray(e / e.sum(axis, keepdims=True), x.dtype),)


@np.errstate(invalid="ignore")
def log_softmax(x: Array, *, axis: int = -1) -> tuple[Array]:
    """ONNX LogSoftmax (from opset 13 on): the logarithm of Softmax, without its underflow."""
    wide = widen(x)
    shifted = wide - wide.max(axis, keepdims=True)
    total = np.exp(shifted).sum(axis, keepdims=True)
    return (np.asarray(shifted - np.log(total), x.dtype),)


def layer_normalization(
    x: Array,
    scale: Array,
    b: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> tuple[Array, Array, Array]:
    """ONNX LayerNormalization over the axes from `axis` on: Y, Mean, InvStdDev.

    The statistics, and the last two outputs, have the element type `stash_type`.
    """
    axes = tuple(range(axis % x.ndim, x.ndim))
    stash = dtype_of(stash_type)
    wide = widen(x.astype(stash, copy=False))
    average = mean(wide, axes, keepdims=True)
    deviation = wide - average
    inverse = 1 / np.sqrt(mean(np.square(deviation), axes, keepdims=True) + epsilon)
    y = widen((deviation * inverse).astype(x.dtype, copy=False)) * widen(scale)
    if b is not None:
        y = y + widen(b)
    return (np.asarray(y, x.dtype), np.asarray(average, stash), np.asarray(inverse, stash))


def instance_normalization(x: Array, scale: Array, b: Array, *, epsilon: float = 1e-5) -> tuple[Array]:
    """ONNX InstanceNormalization: `x` (N, C, *spatial) over its spatial axes, `scale`, `b` (C,)."""
    axes = tuple(range(2, x.ndim))
    wide = widen(x)
    deviation = wide - mean(wide, axes, keepdims=True)
    variance = mean(np.square(deviation), axes, keepdims=True)
    normalized = deviation / np.sqrt(variance + epsilon)
    y = normalized * _per_channel(scale, x) + _per_channel(b, x)
    return (np.asarray(y, x.dtype),)


def batch_normalization(
    x: Array,
    scale: Array,
    b: Array,
    mean: Array,
    var: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> tuple[Array]:
    """ONNX BatchNormalization in inference: `x` (N, C, ...), all else (C,)."""
    if training_mode:
        raise ValueError("BatchNormalization is only executed in inference")
    factor = _per_channel(scale, x) / np.sqrt(_per_channel(var, x) + epsilon)
    y = (widen(x) - _per_channel(mean, x)) * factor + _per_channel(b, x)
    return (np.asarray(y, x.dtype),)


def lrn(x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> tuple[Array]:
    """ONNX LRN: `x` (N, C, ...) over `size` neighbouring channels."""
    wide = widen(x)
    channels = x.shape[1]
    before = (size - 1) // 2
    squares = np.zeros((x.shape[0], channels + size - 1, *x.shape[2:]), wide.dtype)
    squares[:, before : before + channels] = np.square(wide)
    total = sum(squares[:, shift : shift + channels] for shift in range(size))
    return (np.asarray(wide / (bias + alpha / size * total) ** beta, x.dtype),)


def _per_channel(parameter: Array, x: Array) -> Array:
    """`parameter` (C,) in the shape that broadcasts along the channels of `x` (N, C, ...)."""
    return widen(parameter).reshape(-1, *(1 for _ in x.shape[2:]))


KERNELS = {
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "LRN": lrn,
    "LayerNormalization": layer_normalization,
    "LogSoftmax": log_softmax,
    "Softmax": softmax,
}

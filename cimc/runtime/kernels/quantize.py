"""Quantisation: QuantizeLinear and DequantizeLinear of ONNX, Quant of QONNX."""

import numpy as np

from cimc.runtime.arrays import Array, dtype_of


@np.errstate(all="ignore")
def quantize_linear(
    x: Array,
    scale: Array,
    zero_point: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> tuple[Array]:
    """ONNX QuantizeLinear: `saturate(round_half_even(x / scale) + zero_point)`.

    `scale` and `zero_point` are scalars, vectors along `axis`, or blocked along it. The division
    is done in the type of `scale` unless `precision` names another; the sum is exact in float32
    for every value that does not saturate. `saturate` only concerns 8-bit floats.
    """
    if zero_point is not None:
        target = zero_point.dtype
    else:
        target = dtype_of(output_dtype) if output_dtype else np.dtype(np.uint8)
    if target.kind not in "iu":
        raise ValueError(f"quantisation to {target} is not supported")

    division = dtype_of(precision) if precision else scale.dtype
    steps = _spread(scale.astype(division, copy=False), x, axis, block_size)
    q = np.rint(x.astype(division, copy=False) / steps).astype(np.float32, copy=False)
    if zero_point is not None:
        q = q + _spread(zero_point, x, axis, block_size).astype(np.float32)
    limits = np.iinfo(target)
    return (np.asarray(np.clip(q, limits.min, limits.max)).astype(target),)


def dequantize_linear(
    x: Array,
    scale: Array,
    zero_point: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> tuple[Array]:
    """ONNX DequantizeLinear: `(x - zero_point) * scale`, multiplied in float32.

    `scale` and `zero_point` are scalars, vectors along `axis`, or blocked along it. The result
    has the type of `scale` unless `output_dtype` names another.
    """
    target = dtype_of(output_dtype) if output_dtype else scale.dtype
    steps = x.astype(np.int32)
    if zero_point is not None:
        steps = steps - _spread(zero_point, x, axis, block_size).astype(np.int32)
    y = steps.astype(np.float32) * _spread(scale, x, axis, block_size).astype(np.float32)
    return (np.asarray(y).astype(target, copy=False),)


def _spread(parameter: Array, x: Array, axis: int, block_size: int) -> Array:
    """A scale or zero point in a shape that broadcasts to that of `x`."""
    if parameter.size == 1:
        return parameter.reshape(())
    if parameter.ndim == 1 and not block_size:
        trailing = x.ndim - 1 - axis % x.ndim
        return parameter.reshape(-1, *(1 for _ in range(trailing)))
    if not block_size or parameter.ndim != x.ndim:
        raise ValueError(f"a parameter {parameter.shape} does not suit the input {x.shape}")
    # The last block may be cut short.
    return parameter.repeat(block_size, axis).take(range(x.shape[axis]), axis)


_ROUNDINGS = {
    "ROUND": np.rint,
    "ROUND_TO_ZERO": np.trunc,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
}


def quant(
    x: Array,
    scale: Array,
    zero_point: Array,
    bit_width: Array,
    *,
    signed: int = 1,
    narrow: int = 0,
    rounding_mode: str = "ROUND",
) -> tuple[Array]:
    """QONNX Quant: quantise to integers of `bit_width` bits and back to the type of `x`.

    The parameters broadcast to the shape of `x`. The formula is that of the QONNX documentation
    (docs/qonnx-custom-ops/quant_op.md): `q = round(clip(x / scale + zero_point))`, then
    `(q - zero_point) * scale`; as the limits are integers, the order of the first two is free.
    """
    mode = rounding_mode.upper()
    if mode not in _ROUNDINGS:
        raise ValueError(f"Quant has no rounding mode {rounding_mode!r}")
    if signed and np.any(bit_width < 2):
        raise ValueError("a signed Quant of one bit is a BipolarQuant")

    levels = 2.0 ** bit_width.astype(np.float64)
    low = -levels / 2 + bool(narrow) if signed else 0 * levels
    high = levels / 2 - 1 if signed else levels - 1 - bool(narrow)
    q = _ROUNDINGS[mode](x / scale + zero_point)
    q = np.clip(q, low.astype(x.dtype), high.astype(x.dtype))
    return (np.asarray((q - zero_point) * scale, x.dtype),)


KERNELS = {
    "DequantizeLinear": dequantize_linear,
    "Quant": quant,
    "QuantizeLinear": quantize_linear,
}

"""Between real numbers and integer codes."""

from dataclasses import dataclass

import numpy as np

from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Quantizer:
    """`code = clip(round(x / scale) + zero_point, low, high)`, per tensor, ties to even.

    This is ONNX's QuantizeLinear, with the width as a number. A narrow range leaves out the most
    negative code, so that it is symmetric.
    """

    scale: float
    zero_point: int
    bits: int
    signed: bool
    narrow: bool = False

    @property
    def low(self) -> int:
        """The smallest code."""
        return -(1 << (self.bits - 1)) + self.narrow if self.signed else 0

    @property
    def high(self) -> int:
        """The largest code."""
        return (1 << (self.bits - self.signed)) - 1

    @np.errstate(over="ignore")  # what overflows is clipped
    def quantize(self, x: Array) -> Array:
        """The codes of float values, in the smallest integer type that holds them."""
        codes = np.asarray(np.divide(x, np.float32(self.scale), dtype=np.float32))
        np.rint(codes, out=codes)
        codes += np.float32(self.zero_point)
        return np.clip(codes, self.low, self.high).astype(code_dtype(self.bits, self.signed))

    def with_bits(self, bits: int) -> "Quantizer":
        """About the same real range in another width; itself in its own."""
        if bits == self.bits:
            return self
        scale = self.scale * (self.high - self.low)
        other = Quantizer(1.0, 0, bits, self.signed, self.narrow)
        steps = other.high - other.low
        zero_point = round((self.zero_point - self.low) / (self.high - self.low) * steps)
        return Quantizer(scale / steps, zero_point + other.low, bits, self.signed, self.narrow)


def code_dtype(bits: int, signed: bool) -> np.dtype[np.generic]:
    """The smallest numpy integer type for codes of so many bits."""
    size = next(n for n in (8, 16, 32, 64) if bits <= n)
    return np.dtype(f"{'int' if signed else 'uint'}{size}")


_BLOCK = 1 << 15
"""Weights that are quantised at a time: they stay in cache."""


def weight_scales(weights: Array, bits: int, axis: int | None) -> Array:
    """Scales of symmetric narrow-range codes -(2^(bits-1)-1)..2^(bits-1)-1 from the largest magnitude.

    `axis` is the axis of the output channels, or None for one scale. A channel of zeros gets scale 1:
    any scale describes it, and a scale of 0 would make NaN of it.
    """
    others = None if axis is None else tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.maximum(weights.max(axis=others), -weights.min(axis=others)).astype(np.float32)
    scales = largest / np.float32((1 << (bits - 1)) - 1)
    return np.where(scales > 0, scales, np.float32(1)).reshape(-1)


def quantize_weights(weights: Array, scales: Array, bits: int, axis: int) -> Array:
    """int8 (int16 above 8 bits) codes of float weights, narrow range; `scales` is [1] or one a channel."""
    largest = (1 << (bits - 1)) - 1
    codes = np.empty_like(weights, code_dtype(bits, True))  # also transposed in memory if they are
    moved_in, moved_out = np.moveaxis(weights, axis, 0), np.moveaxis(codes, axis, 0)
    channels = len(moved_in)
    by_channel = np.broadcast_to(scales, (channels,)).reshape(-1, *[1] * (weights.ndim - 1))
    step = max(1, channels * _BLOCK // max(1, weights.size))
    for start in range(0, channels, step):
        block = slice(start, start + step)
        values = moved_in[block] / by_channel[block]
        np.rint(values, out=values)
        np.clip(values, -largest, largest, out=values)
        moved_out[block] = values
    return codes


def keeps_codes(codes: Array, bits: int, axis: int) -> bool:
    """Whether codes fit a width: any channel's span at most 2^bits - 1, none is of a larger magnitude."""
    others = tuple(i for i in range(codes.ndim) if i != axis % codes.ndim)
    low, high = codes.min(axis=others).astype(np.int64), codes.max(axis=others).astype(np.int64)
    return max((high - low).max(initial=0), -low.min(initial=0), high.max(initial=0)) < 1 << bits


def weight_codes(weights: Array, scales: Array | None, bits: int, axis: int) -> tuple[Array, Array]:
    """Codes of `bits` bits and their scales, of float weights or of codes (then with their `scales`).

    Codes that fit (`keeps_codes`) are kept, others quantised anew.
    """
    if scales is not None:
        if keeps_codes(weights, bits, axis):
            return weights, scales
        shape = [1] * weights.ndim
        shape[axis] = -1
        weights = weights * scales.reshape(shape).astype(np.float32)
    fresh = weight_scales(weights, bits, axis % weights.ndim)
    return quantize_weights(weights, fresh, bits, axis), fresh


def dequantize(sums: Array, scale: Array, correction: Array | None, bias: Array | None, axis: int) -> Array:
    """`float32((sums - correction) * scale + bias)`, computed in float64.

    `scale` and `bias` are [1] or one value for each index of `axis`; `correction` broadcasts to `sums`.
    """
    shape = [1] * sums.ndim
    shape[axis] = -1
    exact = sums if correction is None else sums - correction
    values = np.multiply(exact, scale.reshape(shape), dtype=np.float64)
    if bias is not None:
        values += bias.reshape(shape)
    return values.astype(np.float32)

"""Quantisation: QuantizeLinear and DequantizeLinear of ONNX, Quant of QONNX.

Codes stay floats, so that gradients pass. That of rounding is taken to be 1, a straight-through
estimator (Bengio, Léonard and Courville, "Estimating or propagating gradients through stochastic
neurons for conditional computation", arXiv:1308.3432, 2013); where codes are clipped it is 0.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from cimc.rl.network.operators.constants import dtype_of, sizes
from cimc.rl.network.operators.export import Operator, as_node, as_nodes

_ROUNDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "ROUND": torch.round,
    "ROUND_TO_ZERO": torch.trunc,
    "CEIL": torch.ceil,
    "FLOOR": torch.floor,
}


class _StraightThrough(torch.autograd.Function):
    """A rounding whose gradient is that of the identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
        return rounding(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return (gradients[0], None)


def quantize_linear(
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> tuple[Tensor]:
    """ONNX QuantizeLinear: `saturate(round_half_even(x / scale) + zero_point)`, in the type of `x`.

    `scale` and `zero_point` are scalars, vectors along `axis`, or blocked along it. The division is
    done in the type of `scale`; `saturate` only concerns 8-bit floats.
    """
    if zero_point is not None:
        target = zero_point.dtype
    else:
        target = dtype_of(output_dtype) if output_dtype else torch.uint8
    if target.is_floating_point:
        raise ValueError(f"quantisation to {target} is not supported")
    division = dtype_of(precision) if precision else scale.dtype

    steps = _spread(scale.to(division), x, axis, block_size)
    codes = _rounded(x.to(division) / steps, torch.round)
    if zero_point is not None:
        codes = codes + _spread(zero_point.to(codes.dtype), x, axis, block_size)
    limits = torch.iinfo(target)
    return (torch.clamp(codes, limits.min, limits.max).to(x.dtype),)


def dequantize_linear(
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> tuple[Tensor]:
    """ONNX DequantizeLinear: `(x - zero_point) * scale`; `x` are integers, or such codes in floats.

    `scale` and `zero_point` are scalars, vectors along `axis`, or blocked along it. The result has
    the type of `scale` unless `output_dtype` names another.
    """
    steps = x.to(scale.dtype)
    if zero_point is not None:
        steps = steps - _spread(zero_point.to(scale.dtype), x, axis, block_size)
    y = steps * _spread(scale, x, axis, block_size)
    return (y.to(dtype_of(output_dtype)) if output_dtype else y,)


def _spread(parameter: Tensor, x: Tensor, axis: int, block_size: int) -> Tensor:
    """A scale or zero point in a shape that broadcasts to that of `x`."""
    if parameter.numel() == 1:
        return parameter.reshape(())
    if parameter.ndim == 1 and not block_size:
        return parameter.reshape(-1, *(1 for _ in range(x.ndim - 1 - axis % x.ndim)))
    if not block_size or parameter.ndim != x.ndim:
        raise ValueError(f"a parameter {sizes(parameter)} does not suit the input {sizes(x)}")
    # The last block may be cut short.
    return parameter.repeat_interleave(block_size, axis).narrow(axis, 0, sizes(x)[axis])


def quant(
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    bit_width: Tensor,
    *,
    signed: int = 1,
    narrow: int = 0,
    rounding_mode: str = "ROUND",
) -> tuple[Tensor]:
    """QONNX Quant: quantise to integers of `bit_width` bits and back to the type of `x`.

    The parameters broadcast to the shape of `x`; for the formula see `cimc.runtime.kernels.quantize`.
    """
    mode = rounding_mode.upper()
    if mode not in _ROUNDINGS:
        raise ValueError(f"Quant has no rounding mode {rounding_mode!r}")
    if signed and torch.any(bit_width < 2):
        raise ValueError("a signed Quant of one bit is a BipolarQuant")

    levels = 2.0**bit_width
    low = -levels / 2 + float(narrow) if signed else 0 * levels
    high = levels / 2 - 1 if signed else levels - 1 - float(narrow)
    codes = _rounded(x / scale + zero_point, _ROUNDINGS[mode])
    return ((torch.clamp(codes, low, high) - zero_point) * scale,)


def _rounded(x: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    return cast(Any, _StraightThrough).apply(x, rounding)


OPERATORS: dict[str, Operator] = {
    "Quant": as_node("Quant", quant, domain="qonnx.custom_op.general"),
    **as_nodes({"DequantizeLinear": dequantize_linear, "QuantizeLinear": quantize_linear}),
}

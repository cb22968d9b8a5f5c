"""Brevitas quantisers that can be told, at any time, to quantise as a `Quantizer` of the runtime does.

In Brevitas a scale is a threshold, a trained parameter, over the largest code of the width:

    scale = threshold / largest code

where the largest code is 2^bits - 1 if unsigned, else 2^(bits-1), less 1 in a narrow range
"""

from typing import Any

import torch
from brevitas import nn as qnn
from brevitas.core.quant import IntQuant
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Uint8ActPerTensorFloat
from torch import Tensor, nn

from cimc.runtime.quantization import Quantizer


class FixedZeroPoint(nn.Module):
    """A zero point that is told, not trained: that of Brevitas' protocol, called with what is quantised."""

    def __init__(self) -> None:
        super().__init__()
        self.value = torch.zeros(())

    def forward(self, x: Tensor, scale: Tensor, bit_width: Tensor) -> Tensor:
        return self.value


class RoundsFirst(IntQuant):
    """Adds the zero point to what is rounded, as ONNX does. Brevitas rounds the sum: ties end elsewhere."""

    def to_int(self, scale: Tensor, zero_point: Tensor, bit_width: Tensor, x: Tensor) -> Tensor:
        brevitas: Any = self  # its methods have no types
        codes = brevitas.float_to_int_impl(brevitas.input_view_impl(x) / scale) + zero_point
        # Brevitas' own, by comparisons, takes twice as long and has the same gradients.
        return torch.clamp(codes, brevitas.min_int(bit_width), brevitas.max_int(bit_width))


class ActivationQuantizer(nn.Module):
    """Quantises and dequantises activations; the gradient passes rounding by, and the threshold is trained.

    The sign of the codes and a narrow range are given once, the rest may change.
    """

    def __init__(self, quantizer: Quantizer) -> None:
        super().__init__()
        self.signed, self.narrow = quantizer.signed, quantizer.narrow
        kind: Any = Int8ActPerTensorFloat if quantizer.signed else Uint8ActPerTensorFloat
        injector = kind.let(
            scaling_impl_type=ScalingImplType.PARAMETER,
            scaling_init=1.0,
            narrow_range=quantizer.narrow,
            zero_point_impl=FixedZeroPoint,
            int_quant=RoundsFirst,
        )
        self.identity: Any = qnn.QuantIdentity(injector, bit_width=8, return_quant_tensor=False)
        self.set(quantizer)

    @property
    def _tensor_quant(self) -> Any:
        return self.identity.act_quant.fused_activation_quant_proxy.tensor_quant

    @property
    def threshold(self) -> nn.Parameter:
        """The trained range, a scalar."""
        return self._tensor_quant.scaling_impl.value

    def set(self, quantizer: Quantizer) -> None:
        """Quantises as `quantizer` does from now on. Raises `ValueError` for another kind of codes."""
        if (quantizer.signed, quantizer.narrow) != (self.signed, self.narrow):
            raise ValueError(f"codes are {'signed' if self.signed else 'unsigned'}, narrow {self.narrow}")
        _set_bits(self._tensor_quant, quantizer.bits)
        with torch.no_grad():
            self.threshold.fill_(quantizer.scale * self._largest(quantizer.bits))
            self._tensor_quant.zero_point_impl.value.fill_(quantizer.zero_point)

    def quantizer(self) -> Quantizer:
        """What it does now."""
        bits = _bits(self._tensor_quant)
        scale = float(self.threshold.detach().abs() / self._largest(bits))
        zero_point = int(self._tensor_quant.zero_point_impl.value)
        return Quantizer(scale, zero_point, bits, self.signed, self.narrow)

    def _largest(self, bits: int) -> int:
        return (1 << (bits - 1)) - self.narrow if self.signed else (1 << bits) - 1

    def forward(self, x: Tensor) -> Tensor:
        return self.identity(x)


def weight_injector(scaling_shape: tuple[int, ...]) -> Any:
    """The Brevitas injector for weights with a trained threshold for each output, of a shape."""
    kind: Any = Int8WeightPerChannelFloat
    return kind.let(scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=torch.ones(scaling_shape))


class WeightQuantizer:
    """The quantiser of the weights in a Brevitas layer: symmetric, narrow range, a threshold an output."""

    def __init__(self, layer: Any) -> None:
        self._tensor_quant: Any = layer.weight_quant.tensor_quant

    @property
    def thresholds(self) -> nn.Parameter:
        """The trained ranges, of the shape that multiplies with the weights."""
        return self._tensor_quant.scaling_impl.value

    @property
    def bits(self) -> int:
        """The width."""
        return _bits(self._tensor_quant)

    def set(self, bits: int, thresholds: Tensor) -> None:
        """The width, and the largest magnitude that the largest code stands for: [outputs], above 0."""
        _set_bits(self._tensor_quant, bits)
        with torch.no_grad():
            self.thresholds.copy_(thresholds.reshape(self.thresholds.shape))

    def quantized(self, weights: Tensor) -> Tensor:
        """What the codes of weights stand for."""
        return self._tensor_quant(weights)[0]

    def scales(self) -> Tensor:
        """The scales, [outputs]."""
        return self.thresholds.detach().abs().reshape(-1) / ((1 << (self.bits - 1)) - 1)


def _set_bits(tensor_quant: Any, bits: int) -> None:
    # The width is no part of a module's state in Brevitas, but all of its modules read it from here.
    tensor_quant.msb_clamp_bit_width_impl.bit_width.value.fill_(bits)


def _bits(tensor_quant: Any) -> int:
    return int(tensor_quant.msb_clamp_bit_width_impl.bit_width.value)

"""Layers of the IR as torch modules: in float, or quantised by Brevitas to the widths they are told."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from brevitas import nn as qnn
from torch import Tensor, nn
from torch.nn import functional

from cimc.context import CimcContext
from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.dialects.tensor_types import shape_of
from cimc.errors import CimcError
from cimc.passes.constants import constant
from cimc.passes.sign import never_negative
from cimc.policy import Widths
from cimc.rl.network.quantizers import ActivationQuantizer, WeightQuantizer, weight_injector
from cimc.rl.network.tensors import tensor
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer

DEFAULT_BITS = 8

_CONVOLUTIONS: dict[int, type[Any]] = {1: qnn.QuantConv1d, 2: qnn.QuantConv2d, 3: qnn.QuantConv3d}


class Layer(nn.Module, ABC):
    """A layer, by its name in the IR. It computes in float unless `quantized`.

    A `frozen` layer computes the same without Brevitas, several times faster: nothing can be trained then,
    and it is as it was when it was frozen.
    """

    def __init__(self, ctx: CimcContext, op: LayerOp) -> None:
        super().__init__()
        self.layer_name = op.layer.data
        self.quantized = self.frozen = False
        known = op.input_quantizer
        signed = not never_negative(ctx, op.x) if known is None else known.signed
        self.input = ActivationQuantizer(known or Quantizer(1.0, 0, DEFAULT_BITS, signed))
        self.input_ranges: dict[int, Quantizer] = {} if known is None else {known.bits: known}
        """How the input is quantised, by width."""

    @abstractmethod
    def forward(self, x: Tensor, w: Tensor | None = None) -> Tensor: ...

    def set_widths(self, widths: Widths) -> None:
        """Quantises to these widths, in the ranges that are known. Raises `KeyError` if they are not."""
        self.frozen = False
        self.input.set(self.input_ranges[widths.activation_bits])

    def freeze(self) -> None:
        """Fixes the layer as it is now."""
        self.frozen = True
        self.frozen_input = self.input.quantizer()


class ProductLayer(Layer):
    """A product of two values that are computed at run time; the second one is stored in crossbars."""

    def __init__(self, ctx: CimcContext, op: MatmulOp) -> None:
        super().__init__(ctx, op)
        known = op.stored_quantizer
        self.stored = ActivationQuantizer(known or Quantizer(1.0, 0, DEFAULT_BITS, True, True))
        self.stored_ranges: dict[int, Quantizer] = {} if known is None else {known.bits: known}

    def set_widths(self, widths: Widths) -> None:
        super().set_widths(widths)
        self.stored.set(self.stored_ranges[widths.weight_bits])

    def freeze(self) -> None:
        super().freeze()
        self.frozen_stored = self.stored.quantizer()

    def forward(self, x: Tensor, w: Tensor | None = None) -> Tensor:
        assert w is not None
        if not self.quantized:
            return torch.matmul(x, w)
        if self.frozen:
            return torch.matmul(rounded(x, self.frozen_input), rounded(w, self.frozen_stored))
        return torch.matmul(self.input(x), self.stored(w))


class WeightLayer(Layer):
    """A convolution or a product with constant weights.

    `gain` and `shift`, [outputs], are applied to what the quantised layer gives: they make up for what
    quantisation does to the statistics of its outputs, until `fold` puts them into scales and bias, or the
    layer gets other widths.
    """

    inner: Any
    """Brevitas' layer: weight [outputs, ...] and bias."""
    gain: Tensor
    shift: Tensor

    def __init__(self, ctx: CimcContext, op: LayerOp) -> None:
        super().__init__(ctx, op)
        weights = _weights(ctx, op)
        bias = None if op.bias is None else constant(ctx, op.bias)
        outputs = len(weights)
        self.padding: list[int] = []
        if isinstance(op, ConvOp):
            self._make_convolution(op, weights)
        else:
            self._make_dense(weights)
        with torch.no_grad():
            self.inner.weight.copy_(tensor(weights.astype(np.float32)))
            self.inner.bias.copy_(torch.zeros(outputs) if bias is None else tensor(bias))
        self.quantizer = WeightQuantizer(self.inner)
        self.thresholds: dict[int, Tensor] = {}
        """The largest magnitudes of weights by width, [outputs]; by default those of the weights."""
        self.register_buffer("gain", torch.ones(outputs))
        self.register_buffer("shift", torch.zeros(outputs))
        self.corrected = False
        self._start(ctx, op)

    def _make_convolution(self, op: ConvOp, weights: Array) -> None:
        rank = weights.ndim - 2
        groups, pads = op.groups.value.data, op.pads.get_values()
        symmetric = pads[:rank] == pads[rank:]
        if not symmetric:  # torch's order is from the last axis to the first
            self.padding = [p for i in reversed(range(rank)) for p in (pads[i], pads[rank + i])]
        self.inner = _CONVOLUTIONS[rank](
            weights.shape[1] * groups,
            len(weights),
            weights.shape[2:],
            stride=tuple(op.strides.get_values()),
            padding=tuple(pads[:rank]) if symmetric else 0,
            dilation=tuple(op.dilations.get_values()),
            groups=groups,
            bias=True,
            weight_quant=weight_injector((len(weights), *[1] * (weights.ndim - 1))),
            weight_bit_width=DEFAULT_BITS,
        )

    def _make_dense(self, weights: Array) -> None:
        outputs, inputs = weights.shape
        self.inner = qnn.QuantLinear(
            inputs,
            outputs,
            bias=True,
            weight_quant=weight_injector((outputs, 1)),
            weight_bit_width=DEFAULT_BITS,
        )

    def _start(self, ctx: CimcContext, op: LayerOp) -> None:
        """Quantises the weights with the file's codes if they fit a symmetric range, else anew.

        The compiler keeps others, too, such as codes that had a zero point.
        """
        bits = DEFAULT_BITS if op.precision is None else op.precision.weight
        scales = None if op.scale is None else constant(ctx, op.scale)
        codes = constant(ctx, op.w)
        largest = (1 << (bits - 1)) - 1
        if scales is not None and codes is not None and -largest <= codes.min() and codes.max() <= largest:
            scale = tensor(np.broadcast_to(scales, (len(self.gain),)).astype(np.float32))
            self.thresholds[bits] = scale * largest
        self.quantizer.set(bits, self.thresholds_for(bits))

    def thresholds_for(self, bits: int) -> Tensor:
        """The largest magnitudes that codes of a width stand for, [outputs].

        By default those of the weights; an output of zeros gets a scale of 1.
        """
        if bits in self.thresholds:
            return self.thresholds[bits]
        most = self.inner.weight.detach().flatten(1).abs().amax(1)
        return torch.where(most > 0, most, (1 << (bits - 1)) - 1)

    def set_widths(self, widths: Widths) -> None:
        super().set_widths(widths)
        self.quantizer.set(widths.weight_bits, self.thresholds_for(widths.weight_bits))
        self.corrected = False

    def forward(self, x: Tensor, w: Tensor | None = None) -> Tensor:
        x = self.padded(x)
        if not self.quantized:
            return self.linear(x, self.inner.weight, self.inner.bias)
        if self.frozen:
            return self.linear(rounded(x, self.frozen_input), self.frozen_weight, self.frozen_bias)
        y = self.inner(self.input(x))
        if self.corrected:
            y = y * self.by_output(self.gain) + self.by_output(self.shift)
        return y

    def padded(self, x: Tensor) -> Tensor:
        """The input of the product: with what is padded otherwise at one end than at the other."""
        return functional.pad(x, self.padding) if self.padding else x

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The layer's convolution or product with any weights."""
        if isinstance(self.inner, qnn.QuantLinear):
            return functional.linear(x, weight, bias)
        return self.inner._conv_forward(x, weight, bias)

    @torch.no_grad()
    def freeze(self) -> None:
        super().freeze()
        weight, bias = self.quantizer.quantized(self.inner.weight), self.inner.bias.detach().clone()
        if self.corrected:
            weight, bias = weight * self._by_weight(self.gain), bias * self.gain + self.shift
        if weight.ndim == 4:
            weight = weight.contiguous(memory_format=torch.channels_last)
        self.frozen_weight, self.frozen_bias = weight, bias

    def _by_weight(self, values: Tensor) -> Tensor:
        """[outputs] in a shape that goes with the weights."""
        return values.reshape(-1, *[1] * (self.inner.weight.ndim - 1))

    @property
    def output_axis(self) -> int:
        """The axis of the outputs in the result."""
        return -1 if isinstance(self.inner, qnn.QuantLinear) else 1

    def by_output(self, values: Tensor) -> Tensor:
        """[outputs] in a shape that goes with the result."""
        return (
            values if self.output_axis == -1 else values.reshape(1, -1, *[1] * (self.inner.weight.ndim - 2))
        )

    @torch.no_grad()
    def fold(self) -> None:
        """Puts gain and shift into weights, thresholds and bias, which leaves the codes as they are.

        The layer in float has them from then on, too.
        """
        if not self.corrected:
            return
        gain = self._by_weight(self.gain)
        self.inner.weight.mul_(gain)
        self.quantizer.thresholds.mul_(gain)
        self.thresholds = {bits: values * self.gain for bits, values in self.thresholds.items()}
        self.inner.bias.mul_(self.gain).add_(self.shift)
        self.corrected = self.frozen = False


def rounded(x: Tensor, quantizer: Quantizer) -> Tensor:
    """The values that the codes of `x` stand for; what Brevitas computes, without its gradients."""
    codes = (x / quantizer.scale).round_()
    if quantizer.zero_point:
        codes = codes.add_(quantizer.zero_point)
    codes = codes.clamp_(quantizer.low, quantizer.high)
    if quantizer.zero_point:
        codes = codes.sub_(quantizer.zero_point)
    return codes.mul_(quantizer.scale)


def _weights(ctx: CimcContext, op: LayerOp) -> Array:
    """Constant weights in float, [outputs, ...]."""
    weights, scale = constant(ctx, op.w), None if op.scale is None else constant(ctx, op.scale)
    assert weights is not None
    if scale is not None:
        shape = [1] * weights.ndim
        shape[op.W_OUTPUT_AXIS] = -1
        weights = weights.astype(np.float32) * scale.reshape(shape).astype(np.float32)
    if isinstance(op, ConvOp):
        return weights
    if weights.ndim != 2:
        raise CimcError(
            f"layer {op.layer.data!r}: a search needs one matrix of weights a layer, these have shape "
            f"{list(shape_of(op.w))}"
        )
    return weights.T

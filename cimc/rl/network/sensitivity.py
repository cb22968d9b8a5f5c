"""How much the outputs move when a single layer is quantised, measured."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cimc.policy import MAX_BITS, Widths
from cimc.rl.network.layers import Layer, WeightLayer
from cimc.rl.network.network import Network
from cimc.rl.network.scores import measured_divergence
from cimc.rl.network.statistics import moments, moments_of, with_moments
from cimc.rl.space import Space
from cimc.rl.surrogate import Sensitivities

MEASURED_BITS = 5
"""Up to this width a layer's sensitivities are measured. From then on each bit more is taken to divide them
by four, as it divides the variance of a rounding error (Bennett, Spectra of quantized signals, 1948)."""


@torch.no_grad()
def measured(network: Network, space: Space, x: Tensor) -> Sensitivities:
    """One layer and one of its two widths at a time, all else in float, on pictures `x`.

    The divergence is that of the outputs from the float network's.
    """
    network.quantize(False)
    wanted = network(x)
    weights, activations = (np.zeros(space.latency_ps.shape) for _ in range(2))
    for index, name in enumerate(space.layers):
        layer = network.layers[name]
        for bits_of, result, measure in (
            (space.weight_bits, weights, _quantize_weights),
            (space.activation_bits, activations, _quantize_input),
        ):
            widths = sorted({int(bits) for bits in bits_of[space.allowed[index]]})
            table = _extended(widths, lambda b, m=measure, n=layer: m(network, n, b, x, wanted))
            result[index] = [table.get(int(bits), 0.0) for bits in bits_of]
    return Sensitivities(weights, activations)


def _extended(widths: Sequence[int], measure: Callable[[int], float]) -> dict[int, float]:
    """Measured up to `MEASURED_BITS`, or at the smallest width if all are above; extrapolated from there."""
    low = [bits for bits in widths if bits <= MEASURED_BITS] or [min(widths)]
    table = {bits: measure(bits) for bits in low}
    last = max(low)
    for bits in range(last + 1, MAX_BITS + 1):
        table[bits] = table[last] / 4 ** (bits - last)
    return table


def _quantize_weights(network: Network, layer: Layer, bits: int, x: Tensor, wanted: Tensor) -> float:
    layer.set_widths(Widths(bits, MAX_BITS))
    return _alone(network, layer, x, wanted)


def _quantize_input(network: Network, layer: Layer, bits: int, x: Tensor, wanted: Tensor) -> float:
    layer.set_widths(Widths(MAX_BITS, bits))
    return _alone(network, layer, x, wanted)


def _alone(network: Network, layer: Layer, x: Tensor, wanted: Tensor) -> float:
    """The divergence with one layer quantised, whose outputs keep their mean and deviation in float."""
    known: list[tuple[Tensor, Tensor]] = []
    if isinstance(layer, WeightLayer) and not network.takes_any_batch:
        # One part of the pictures would not do: a single vector is its own mean.
        for quantized in (True, False):
            layer.quantized = quantized
            known += moments_of(network, [layer], x).values()

    def correct(module: nn.Module, inputs: tuple[Tensor, ...], y: Tensor) -> Tensor | None:
        if not isinstance(module, WeightLayer):
            return None
        if known:
            return with_moments(module, y, *known)
        module.quantized = False
        in_float = moments(module, module.forward(*inputs))
        module.quantized = True
        return with_moments(module, y, moments(module, y), in_float)

    layer.quantized = True
    handle = layer.register_forward_hook(correct)
    try:
        return max(0.0, measured_divergence(wanted, network(x)))
    finally:
        handle.remove()
        layer.quantized = False

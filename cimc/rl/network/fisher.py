"""Sensitivities from gradients: one forward and one backward pass for all layers and widths.

To second order, the divergence that small errors e of a value cause is half the mean of (g . e)^2 over
pictures, where g is the gradient of a picture's log likelihood and classes are drawn from the network's own
probabilities: the Fisher information (S. Amari, Natural gradient works efficiently in learning, 1998).
Errors of weights and of inputs are followed to the outputs of their layer, as far as its mean and deviation,
which are restored there, do not take them up.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cimc.rl.network.layers import Layer, ProductLayer, WeightLayer, rounded
from cimc.rl.network.network import Network
from cimc.rl.space import Space
from cimc.rl.surrogate import Sensitivities


def fisher(network: Network, space: Space, x: Tensor, seed: int) -> Sensitivities:
    """The sensitivities of all layers, on pictures `x`; the seed draws the classes."""
    seen = _gradients(network, x, seed)
    weights, activations = (np.zeros(space.latency_ps.shape) for _ in range(2))
    with torch.no_grad():
        for index, name in enumerate(space.layers):
            layer = network.layers[name]
            allowed = space.allowed[index]
            for bits in {int(b) for b in space.activation_bits[allowed]}:
                value = _divergence(layer, seen[name], _input_error(layer, seen[name], bits))
                activations[index, space.activation_bits == bits] = value
            for bits in {int(b) for b in space.weight_bits[allowed]}:
                value = _divergence(layer, seen[name], _weight_error(layer, seen[name], bits))
                weights[index, space.weight_bits == bits] = value
    return Sensitivities(weights, activations)


class _Seen:
    """What a layer took and gave in float, and the gradient of what it gave."""

    def __init__(self, inputs: tuple[Tensor, ...], y: Tensor) -> None:
        self.inputs = tuple(value.detach() for value in inputs)
        self.y = y
        y.retain_grad()

    @property
    def gradient(self) -> Tensor:
        """Of each picture's log likelihood."""
        assert self.y.grad is not None
        return self.y.grad


def _gradients(network: Network, x: Tensor, seed: int) -> dict[str, _Seen]:
    network.quantize(False)
    seen: dict[str, _Seen] = {}

    def see(layer: nn.Module, inputs: tuple[Tensor, ...], y: Tensor) -> None:
        assert isinstance(layer, Layer)
        seen[layer.layer_name] = _Seen(inputs, y)

    handles = [layer.register_forward_hook(see) for layer in network.layers.values()]
    try:
        outputs = network(x)
    finally:
        for handle in handles:
            handle.remove()
    generator = torch.Generator().manual_seed(seed)
    classes = torch.multinomial(outputs.detach().softmax(1), 1, generator=generator)[:, 0]
    torch.autograd.backward(functional.cross_entropy(outputs, classes, reduction="sum"))
    network.zero_grad()
    return seen


def _input_error(layer: Layer, seen: _Seen, bits: int) -> Tensor:
    """What rounding the input adds to the outputs."""
    x = seen.inputs[0]
    error = rounded(x, layer.input_ranges[bits]) - x
    if isinstance(layer, WeightLayer):
        return layer.linear(error, layer.inner.weight)
    return torch.matmul(error, seen.inputs[1])


def _weight_error(layer: Layer, seen: _Seen, bits: int) -> Tensor:
    """What rounding the stored operand adds to the outputs."""
    if isinstance(layer, WeightLayer):
        layer.quantizer.set(bits, layer.thresholds_for(bits))
        error = layer.quantizer.quantized(layer.inner.weight) - layer.inner.weight
        return layer.linear(seen.inputs[0], error)
    assert isinstance(layer, ProductLayer)
    stored = seen.inputs[1]
    return torch.matmul(seen.inputs[0], rounded(stored, layer.stored_ranges[bits]) - stored)


def _divergence(layer: Layer, seen: _Seen, error: Tensor) -> float:
    if isinstance(layer, WeightLayer):
        others = [i for i in range(error.ndim) if i != layer.output_axis % error.ndim]
        y = seen.y.detach()
        y = y - y.mean(others, keepdim=True)
        error = error - error.mean(others, keepdim=True)
        variance = y.square().mean(others, keepdim=True).clamp(min=1e-12)
        error = error - y * ((error * y).mean(others, keepdim=True) / variance)
    change = (seen.gradient * error).flatten(1).sum(1)
    return float(change.square().mean() / 2)

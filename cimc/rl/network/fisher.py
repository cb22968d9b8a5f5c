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
from cimc.rl.network.scores import are_probabilities, logarithms
from cimc.rl.network.statistics import moments, with_moments
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
                value = _divergence(layer, seen[name], _input_error(layer, seen[name], bits), len(x))
                activations[index, space.activation_bits == bits] = value
            for bits in {int(b) for b in space.weight_bits[allowed]}:
                value = _divergence(layer, seen[name], _weight_error(layer, seen[name], bits), len(x))
                weights[index, space.weight_bits == bits] = value
    return Sensitivities(weights, activations)


class _Seen:
    """What a layer took and gave in float, and the gradient of what it gave.

    A network that takes only so many pictures at a time gives them in parts, the last one filled up.
    """

    def __init__(self, pictures: int) -> None:
        self._pictures = pictures
        """In a part."""
        self._inputs: list[tuple[Tensor, ...]] = []
        self._outputs: list[Tensor] = []

    def add(self, inputs: tuple[Tensor, ...], y: Tensor) -> None:
        y.retain_grad()
        self._inputs.append(tuple(value.detach() for value in inputs))
        self._outputs.append(y)

    @property
    def inputs(self) -> list[Tensor]:
        return [torch.cat(values) for values in zip(*self._inputs, strict=True)]

    @property
    def y(self) -> Tensor:
        return torch.cat([y.detach() for y in self._outputs])

    def changes(self, error: Tensor) -> Tensor:
        """What an error of the outputs does to each picture's log likelihood, to first order."""
        # Without a gradient, the outputs that are compared do not depend on the layer.
        gradients = [torch.zeros_like(y) if y.grad is None else y.grad for y in self._outputs]
        change = torch.cat(gradients) * error
        change = change.reshape(len(gradients), -1, *change.shape[1:])
        # Pictures may be the second axis, or many vectors each in one axis.
        axis = next(i for i in range(1, change.ndim) if change.shape[i] % self._pictures == 0)
        return change.movedim(axis, 1).reshape(len(gradients) * self._pictures, -1).sum(1)


def _gradients(network: Network, x: Tensor, seed: int) -> dict[str, _Seen]:
    network.quantize(False)
    pictures = len(x) if network.takes_any_batch else network.batch
    seen = {name: _Seen(pictures) for name in network.layers}

    def see(layer: nn.Module, inputs: tuple[Tensor, ...], y: Tensor) -> None:
        assert isinstance(layer, Layer)
        seen[layer.layer_name].add(inputs, y)

    handles = [layer.register_forward_hook(see) for layer in network.layers.values()]
    try:
        # A layer before all parameters has a gradient, too.
        outputs = network(x.detach().requires_grad_())
    finally:
        for handle in handles:
            handle.remove()
    if are_probabilities(outputs):
        outputs = logarithms(outputs)
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
        return layer.linear(layer.padded(error), layer.inner.weight)
    return torch.matmul(error, seen.inputs[1])


def _weight_error(layer: Layer, seen: _Seen, bits: int) -> Tensor:
    """What rounding the stored operand adds to the outputs."""
    if isinstance(layer, WeightLayer):
        layer.quantizer.set(bits, layer.thresholds_for(bits))
        error = layer.quantizer.quantized(layer.inner.weight) - layer.inner.weight
        return layer.linear(layer.padded(seen.inputs[0]), error)
    assert isinstance(layer, ProductLayer)
    stored = seen.inputs[1]
    return torch.matmul(seen.inputs[0], rounded(stored, layer.stored_ranges[bits]) - stored)


def _divergence(layer: Layer, seen: _Seen, error: Tensor, pictures: int) -> float:
    if isinstance(layer, WeightLayer):
        y = seen.y + error
        error = with_moments(layer, y, moments(layer, y), moments(layer, seen.y)) - seen.y
    return float(seen.changes(error).square().sum() / (2 * pictures))

"""Finds the ranges in which a network's layers quantise, for every width they may get."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cimc.errors import CimcError
from cimc.rl.network.layers import Layer, ProductLayer, WeightLayer
from cimc.rl.network.network import Network
from cimc.rl.network.quantizers import ActivationQuantizer
from cimc.runtime.calibration import Observer
from cimc.runtime.quantization import Quantizer

CLIPPING_STEPS = 32
"""Ranges of weights that are tried, evenly spaced up to the largest magnitude."""


@torch.no_grad()
def calibrate(network: Network, pictures: Iterable[Tensor], widths: Iterable[int]) -> None:
    """Chooses, for every width, the ranges of inputs, of computed stored operands and of weights.

    The network runs in float on batches of pictures. Ranges are those of least mean squared error; what the
    file says in its own width stays. Raises `CimcError` for values that are not finite.
    """
    widths = list(widths)
    network.quantize(False)
    observers: dict[int, Observer] = {}

    def see(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Layer)
        quantizers = (layer.input, layer.stored) if isinstance(layer, ProductLayer) else (layer.input,)
        for quantizer, values in zip(quantizers, inputs, strict=True):
            if not torch.isfinite(values).all():
                raise CimcError(f"layer {layer.layer_name!r}: the data gives values that are not finite")
            observers.setdefault(id(quantizer), Observer()).see(values.numpy())

    with _hooks(network, see):
        for batch in pictures:
            network(batch)
    for layer in network.layers.values():
        _fill_input(layer, observers[id(layer.input)], widths)
        if isinstance(layer, ProductLayer):
            stored = layer.stored
            _fill(layer.stored_ranges, observers[id(stored)], stored.signed, stored.narrow, widths)
        elif isinstance(layer, WeightLayer):
            weights = layer.inner.weight.detach()
            for bits in widths:
                layer.thresholds.setdefault(bits, best_thresholds(weights, bits))


@contextmanager
def _hooks(network: Network, see: Callable[[nn.Module, tuple[Tensor, ...]], None]) -> Generator[None]:
    handles = [layer.register_forward_pre_hook(see) for layer in network.layers.values()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _fill_input(layer: Layer, observer: Observer, widths: Iterable[int]) -> None:
    """Codes without a sign for inputs that hardly reach below 0, unless the file says otherwise."""
    if layer.input.signed and (layer.input_ranges or not observer.is_skewed):
        _fill(layer.input_ranges, observer, True, layer.input.narrow, widths)
        return
    for bits in widths:
        layer.input_ranges.setdefault(bits, observer.skewed_quantizer(bits))
    if layer.input.signed:
        layer.input = ActivationQuantizer(next(iter(layer.input_ranges.values())))


def _fill(
    ranges: dict[int, Quantizer], observer: Observer, signed: bool, narrow: bool, widths: Iterable[int]
) -> None:
    for bits in widths:
        if bits not in ranges:
            ranges[bits] = observer.quantizer(bits, signed=signed, narrow=narrow, method="mse")


def best_thresholds(weights: Tensor, bits: int) -> Tensor:
    """The largest magnitudes, [outputs], that give codes the least squared error, of weights [outputs, ...].

    An output without weights gets a scale of 1.
    """
    flat = weights.reshape(len(weights), -1)
    largest_code = (1 << (bits - 1)) - 1
    most = flat.abs().amax(1)
    best = torch.where(most > 0, most, torch.full_like(most, largest_code))
    least = torch.full_like(most, torch.inf)
    for step in range(CLIPPING_STEPS, 0, -1):
        thresholds = most * step / CLIPPING_STEPS
        scale = torch.where(most > 0, thresholds / largest_code, torch.ones_like(most))[:, None]
        codes = (flat / scale).round_().clamp_(-largest_code, largest_code)
        error = (codes * scale - flat).square_().sum(1)
        better = (error < least) & (most > 0)
        least = torch.where(better, error, least)
        best = torch.where(better, thresholds, best)
    return best

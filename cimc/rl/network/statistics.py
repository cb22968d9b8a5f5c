"""Re-estimation of batch statistics: quantised layers get the mean and the deviation of the float ones.

What re-estimating a batch normalisation does, for networks whose normalisations are folded into their
layers: each output of a layer is scaled and shifted so that its mean and standard deviation over sample
pictures are those that it has in float. Scales and biases of the layer take that in without cost.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cimc.rl.network.layers import WeightLayer
from cimc.rl.network.network import Network
from cimc.rl.network.scores import channels_last

MAX_GAIN = 2.0
"""Outputs that would need more, or less than its inverse, hardly vary: they are only shifted."""


class Statistics:
    """Means and deviations of the outputs of a network's layers in float, by layer; [outputs] each."""

    @torch.no_grad()
    def __init__(self, network: Network, x: Tensor) -> None:
        """Of a network as it is in float, but for what its file quantises, on pictures `x`."""
        self._x = channels_last(x)
        network.quantize(False)
        self._by_layer = moments_of(network, network.weight_layers(), self._x)

    @torch.no_grad()
    def restore(self, network: Network) -> None:
        """Gives the layers of the quantised network these statistics, each on what those before it give.

        It is frozen then.
        """
        layers = network.weight_layers()
        for layer in layers:
            layer.corrected = False
        network.freeze()

        def correct(layer: nn.Module, _: Any, y: Tensor) -> Tensor:
            assert isinstance(layer, WeightLayer)
            self._correct(layer, *moments(layer, y))
            return y * layer.by_output(layer.gain) + layer.by_output(layer.shift)

        if network.takes_any_batch:
            with _hooks(layers, correct):
                network(self._x)
        else:  # a layer's moments are known after the last part only
            for layer in layers:
                self._correct(layer, *moments_of(network, [layer], self._x)[layer.layer_name])
                layer.freeze()
        network.freeze()

    def _correct(self, layer: WeightLayer, mean: Tensor, deviation: Tensor) -> None:
        """Chooses gain and shift for a layer whose outputs have these moments."""
        wanted_mean, wanted_deviation = self._by_layer[layer.layer_name]
        gain = wanted_deviation / deviation
        usable = (gain < MAX_GAIN) & (gain > 1 / MAX_GAIN)
        layer.gain.copy_(torch.where(usable, gain, torch.ones_like(gain)))
        layer.shift.copy_(wanted_mean - layer.gain * mean)
        layer.corrected = True


def moments_of(
    network: Network, layers: Iterable[WeightLayer], x: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """The moments of layers' outputs on pictures, by layer, over all parts that the network takes them in."""
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def see(layer: nn.Module, _: Any, y: Tensor) -> None:
        assert isinstance(layer, WeightLayer)
        seen.setdefault(layer.layer_name, []).append(moments(layer, y))

    if not network.takes_any_batch and len(x) > network.batch:
        x = x[: len(x) - len(x) % network.batch]  # what fills the last part up would count as well
    with _hooks(layers, see):
        network(x)
    return {name: _merged(found) for name, found in seen.items()}


def _merged(found: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The moments of parts of equal size together."""
    if len(found) == 1:
        return found[0]
    means, deviations = (torch.stack(values) for values in zip(*found, strict=True))
    mean = means.mean(0)
    return mean, (deviations.square() + (means - mean).square()).mean(0).sqrt()


def moments(layer: WeightLayer, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each output of a layer, [outputs] each."""
    by_output = y.movedim(layer.output_axis, -1).flatten(0, -2)  # torch.std_mean takes ten times as long
    mean = by_output.mean(0)
    return mean, (by_output - mean).square_().mean(0).sqrt()


def with_moments(
    layer: WeightLayer, y: Tensor, now: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]
) -> Tensor:
    """Outputs that have some moments, with those that are wanted; what does not vary is only shifted."""
    (mean, deviation), (wanted_mean, wanted_deviation) = now, wanted
    gain = torch.where(deviation > 0, wanted_deviation / deviation, torch.ones_like(deviation))
    return (y - layer.by_output(mean)) * layer.by_output(gain) + layer.by_output(wanted_mean)


@contextmanager
def _hooks(layers: Iterable[WeightLayer], hook: Any) -> Generator[None]:
    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

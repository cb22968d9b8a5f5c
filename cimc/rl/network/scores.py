"""How a network's outputs compare with those of the model that was given."""

from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor, nn
from torch.nn import functional

from cimc.rl.network.tensors import parts

BROKEN = 1e4
"""The divergence of outputs that are no numbers, such as quotients of zeros; agents reckon with it."""


@torch.no_grad()
def outputs_of(network: nn.Module, x: Tensor, batch: int = 25) -> Tensor:
    """The outputs [pictures, classes] for pictures, so many at a time: few, so that they stay in cache."""
    return torch.cat([network(channels_last(part)) for part in parts(x, batch)])


def channels_last(x: Tensor) -> Tensor:
    """Pictures in the order in memory in which convolutions are fastest; others as they are."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


@dataclass(frozen=True)
class Reference:
    """What the given model says of some pictures: outputs [pictures, classes], and their classes."""

    outputs: Tensor
    labels: Tensor

    @property
    def accuracy(self) -> float:
        """Top-1, in percent."""
        return 100 * float((self.outputs.argmax(1) == self.labels).double().mean())

    def drop(self, outputs: Tensor) -> tuple[float, float]:
        """Points of top-1 below the given model, and the standard error of that difference.

        Pictures are the same, so that only those count on which the two do not agree: with n10 that only the
        given model gets right and n01 that only the other does, of n, the difference is (n10 - n01) / n and
        its variance (n10 + n01 - (n10 - n01)^2 / n) / n^2 (McNemar, Psychometrika 12, 1947).
        """
        right = self.outputs.argmax(1) == self.labels
        others = outputs.argmax(1) == self.labels
        lost, won = int((right & ~others).sum()), int((~right & others).sum())
        count = len(self.labels)
        # One more each, for a count of zero does not mean that there is nothing to count.
        variance = (lost + won + 2 - (lost - won) ** 2 / count) / count**2
        return 100 * (lost - won) / count, 100 * variance**0.5

    def divergence(self, outputs: Tensor) -> float:
        """Mean Kullback-Leibler divergence of the classes' probabilities from the given model's, in nats."""
        return measured_divergence(self.outputs, outputs)


def measured_divergence(wanted: Tensor, outputs: Tensor) -> float:
    """`divergence` as a finite number, whatever quantisation has made of the outputs."""
    value = float(divergence(wanted, outputs))
    return value if isfinite(value) else BROKEN


def divergence(wanted: Tensor, outputs: Tensor, temperature: float = 1.0) -> Tensor:
    """Mean Kullback-Leibler divergence of the classes' probabilities from those that are wanted, in nats.

    Both are [n, classes]: what probabilities are the softmax of, or probabilities. A temperature T softens
    them: the divergence is that of logits over T, times T^2 (G. Hinton, O. Vinyals, J. Dean, Distilling the
    knowledge in a neural network, 2015).
    """
    if are_probabilities(outputs):
        wanted, outputs = logarithms(wanted), logarithms(outputs)
    softened = functional.kl_div(
        functional.log_softmax(outputs / temperature, 1),
        functional.log_softmax(wanted / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    return softened * temperature**2


def are_probabilities(outputs: Tensor) -> bool:
    """Whether outputs are those of a network that ends in Softmax, of which another one would say little."""
    values = outputs.detach()
    return bool((values >= 0).all()) and bool(((values.sum(1) - 1).abs() < 1e-4).all())


def logarithms(probabilities: Tensor) -> Tensor:
    """Outputs that have these probabilities as their softmax, finite where one is 0."""
    return probabilities.clamp(min=1e-30).log()

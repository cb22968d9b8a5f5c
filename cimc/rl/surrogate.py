"""A Bayesian model of what a policy loses: a sum over layers.

The divergence of a policy is modelled as a sum of a part for each layer's weight width and one for each
layer's activation width,

    divergence = sum over layers of s_w[layer, weight bits] + s_a[layer, activation bits] + noise

with a Gaussian prior around measured sensitivities m: the relative errors of the s have a part that all
share, one for each width, one for each layer and one of their own. Noise, mostly that losses do not quite
add, is proportional to the divergence. The posterior is a closed form of Gaussians; see C. M. Bishop, Pattern
Recognition and Machine Learning, section 6.4. How a divergence shows in accuracy, `DropModel` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cimc.rl.drop_model import CEILING, FLOOR, DropModel
from cimc.rl.evaluation import Evaluation
from cimc.rl.space import Choices, Space
from cimc.runtime.arrays import Array

SHARED, BY_WIDTH, BY_LAYER, OWN = 0.7, 0.3, 0.5, 0.5
"""Standard deviations of the relative errors of sensitivities."""
NOT_ADDITIVE = 0.15
"""Standard deviation of a divergence about the sum of its parts, relative."""
LEAST_NOISE = 1e-8
"""Variance of a divergence about that sum, at least: a part of the sum's own. Measurements that are far more
exact than what the prior expects would make the fit singular."""


@dataclass(frozen=True)
class Sensitivities:
    """What each width of a layer's weights and activations costs by itself, as a divergence in nats."""

    weights: Array
    """[layers, options]: of the option's weight width."""
    activations: Array
    """[layers, options]: of the option's activation width."""

    @property
    def total(self) -> Array:
        """[layers, options]."""
        return self.weights + self.activations


class Surrogate:
    """What is known of a space after some evaluations."""

    def __init__(self, space: Space, sensitivities: Sensitivities) -> None:
        self._parameters = _Parameters(space, sensitivities)
        self._evaluations: dict[Choices, Evaluation] = {}
        self._posterior: tuple[Array, Array] | None = None
        self.drops = DropModel([])
        self.proposed: set[Choices] = set()
        """Policies that need no evaluation any more, of whichever agent."""

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Takes in evaluations; those that are known already change nothing."""
        for evaluation in evaluations:
            self._evaluations.setdefault(evaluation.choices, evaluation)
        self.proposed.update(self._evaluations)
        self.drops = DropModel(list(self._evaluations.values()))
        self._posterior = None

    def mean(self) -> Array:
        """The expected divergence of each option, [layers, options], not negative."""
        return self._parameters.options(self._fit()[0])

    def sample(self, random: np.random.Generator) -> Array:
        """The divergences of the options in one possible world, [layers, options], not negative."""
        mean, root = self._fit()
        return self._parameters.options(mean + root @ random.standard_normal(len(mean)))

    def _fit(self) -> tuple[Array, Array]:
        """Mean of the parameters, relative to the prior's, and a root of their covariance."""
        if self._posterior is None:
            algebra: Any = np.linalg  # its types do not know those of arrays
            prior = self._parameters.covariance
            mean, covariance = np.ones(len(prior)), prior
            if self._evaluations:
                rows = np.array([self._parameters.row(choices) for choices in self._evaluations])
                z = np.clip([e.divergence for e in self._evaluations.values()], FLOOR, CEILING)
                cross = prior @ rows.T
                sums = rows @ cross
                noise = np.maximum(np.square(NOT_ADDITIVE * z + FLOOR), LEAST_NOISE * np.diag(sums))
                gain = algebra.solve(sums + np.diag(noise), cross.T).T
                mean = mean + gain @ (z - rows @ mean)
                covariance = prior - gain @ cross.T
            jitter = 1e-9 * np.trace(covariance) / len(covariance)
            root = algebra.cholesky((covariance + covariance.T) / 2 + jitter * np.eye(len(covariance)))
            self._posterior = mean, root
        return self._posterior


class _Parameters:
    """Parameters: factors, of expectation 1, of the sensitivities of each layer and width."""

    def __init__(self, space: Space, sensitivities: Sensitivities) -> None:
        keys: dict[tuple[int, str, int], int] = {}
        scales: list[float] = []
        layers, options = space.latency_ps.shape
        self._of_option = np.zeros((layers, options, 2), np.int64)
        for layer in range(layers):
            for option in range(options):
                widths = space.options[option]
                for part, (kind, bits, values) in enumerate(
                    (
                        ("weights", widths.weight_bits, sensitivities.weights),
                        ("activations", widths.activation_bits, sensitivities.activations),
                    )
                ):
                    key = (layer, kind, bits)
                    if key not in keys:
                        keys[key] = len(scales)
                        scales.append(min(max(float(values[layer, option]), FLOOR / layers), CEILING))
                    self._of_option[layer, option, part] = keys[key]
        self._scales = np.array(scales)
        layer_of = np.array([key[0] for key in keys])
        width_of = np.array([_kind_and_width(key) for key in keys])
        self.covariance = (
            SHARED**2
            + BY_WIDTH**2 * (width_of[:, None] == width_of[None, :])
            + BY_LAYER**2 * (layer_of[:, None] == layer_of[None, :])
            + OWN**2 * np.eye(len(scales))
        )

    def row(self, choices: Sequence[int]) -> Array:
        """What a policy's divergence is of the parameters."""
        result = np.zeros(len(self._scales))
        for layer, option in enumerate(choices):
            for parameter in self._of_option[layer, option]:
                result[parameter] += self._scales[parameter]
        return result

    def options(self, factors: Array) -> Array:
        """[layers, options] of the parameters."""
        parts = np.maximum(factors, 0.02) * self._scales
        return parts[self._of_option].sum(-1)


def _kind_and_width(key: tuple[int, str, int]) -> int:
    """A number for the kind and the width of a parameter."""
    return key[2] + (100 if key[1] == "weights" else 0)

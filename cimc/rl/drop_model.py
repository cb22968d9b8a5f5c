"""How a divergence of outputs shows in accuracy.

    drop = b1 * divergence + b2 * sqrt(divergence)

by a Bayesian linear regression (C. M. Bishop, Pattern Recognition and Machine Learning, section 3.3) on
evaluations, with weights that know how noisy a count of pictures is. A divergence is far less noisy than the
drop itself, so that the drop that goes with it says more about other pictures than the measured one alone.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from cimc.rl.evaluation import Evaluation
from cimc.runtime.arrays import Array

FLOOR = 1e-6
"""A divergence that no one can measure, in nats."""
CEILING = 1e4
"""One beyond which more tells nothing: outputs of any size must not make the fit singular."""
PRIOR_MEAN, PRIOR_DEVIATION = (60.0, 0.0), (60.0, 5.0)
"""Of b1, points a nat, and b2, before anything is known."""
RELATIVE, ABSOLUTE = 0.2, 0.1
"""Standard deviation of a drop about the model: a part of it, and so many points."""
REWEIGHTINGS = 10
"""Of evaluations, by the drops that the fit before expects of them."""


class DropModel:
    """The drop in points of top-1 as a function of the divergence in nats, after some evaluations."""

    def __init__(self, evaluations: Sequence[Evaluation]) -> None:
        drops = np.array([e.drop for e in evaluations])
        errors = np.array([e.drop_error for e in evaluations])
        features = _features(np.array([e.divergence for e in evaluations]))
        self._mean, self._covariance = np.array(PRIOR_MEAN), np.diag(np.square(PRIOR_DEVIATION))
        for _ in range(REWEIGHTINGS):
            # By the expected drop, not by the measured one: that would trust those most that came out low.
            expected = features @ self._mean
            weights = 1 / (np.square(errors) + np.square(RELATIVE * expected) + ABSOLUTE**2)
            self._mean, self._covariance = _posterior(features, drops, weights)

    def drop(self, divergence: float) -> float:
        """The expected drop."""
        return float(_features(np.array(divergence)) @ self._mean)

    def divergence_for(self, max_drop: float, random: np.random.Generator | None = None) -> float:
        """The divergence that costs so many points: as expected, or in one possible world."""
        mean = self._mean
        if random is not None:
            mean = random.multivariate_normal(mean, self._covariance, method="svd")
        b1, b2 = max(float(mean[0]), 1e-3), max(float(mean[1]), 0.0)
        root = (-b2 + sqrt(b2 * b2 + 4 * b1 * max(max_drop, 0.0))) / (2 * b1)
        return max(root * root, FLOOR)

    def estimate(self, evaluation: Evaluation) -> tuple[float, float]:
        """The drop of a policy and its standard error, from its own measurement and what the model says.

        Both are weighted by the inverse of their variances.
        """
        expected = self.drop(evaluation.divergence)
        variance = (RELATIVE * expected) ** 2 + ABSOLUTE**2
        own, model = 1 / evaluation.drop_error**2, 1 / variance
        drop = (own * evaluation.drop + model * expected) / (own + model)
        return drop, 1 / sqrt(own + model)


def _posterior(features: Array, drops: Array, weights: Array) -> tuple[Array, Array]:
    """Mean and covariance of b1 and b2."""
    prior = np.diag(1 / np.square(PRIOR_DEVIATION))
    precision = prior + (features * weights[:, None]).T @ features
    vector = prior @ np.array(PRIOR_MEAN) + (features * weights[:, None]).T @ drops
    covariance: Array = np.linalg.inv(precision)
    mean: Array = covariance @ vector
    if mean[1] < 0:  # more divergence, more drop: without the root, then
        return np.array([vector[0] / precision[0, 0], 0.0]), np.diag([1 / precision[0, 0], 0.0])
    return mean, covariance


def _features(divergence: Array) -> Array:
    z = np.clip(divergence, FLOOR, CEILING)
    return np.stack([z, np.sqrt(z)], -1)

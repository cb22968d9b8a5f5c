"""Samples against SciPy's distribution."""

from typing import Any

import pytest
import torch
from scipy import stats

from cimc.rl.agents.truncated_normal import truncated_normal

scipy_stats: Any = stats
"""Its functions have no types."""


@pytest.mark.parametrize("mean", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("deviation", [1e-3, 0.1, 0.6])
def test_follows_the_distribution(mean: float, deviation: float):
    samples = truncated_normal(torch.full((2000,), mean), deviation, torch.Generator().manual_seed(3)).numpy()
    assert samples.min() >= 0
    assert samples.max() <= 1
    expected = scipy_stats.truncnorm(-mean / deviation, (1 - mean) / deviation, mean, deviation)
    assert scipy_stats.kstest(samples, expected.cdf).pvalue > 1e-3

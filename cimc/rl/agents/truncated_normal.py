"""The normal distribution, cut to [0, 1]."""

from typing import Any

import torch


def truncated_normal(mean: torch.Tensor, deviation: float, generator: torch.Generator) -> torch.Tensor:
    """A sample of each, of the shape of `mean`, which is in [0, 1]; `deviation` is that before the cut.

    By the inverse of the cumulative distribution (Devroye, Non-Uniform Random Variate Generation, 1986).
    """
    centre = mean.double()
    special: Any = torch.special  # its functions have no types
    low, high = special.ndtr(-centre / deviation), special.ndtr((1 - centre) / deviation)
    share = torch.rand(mean.shape, generator=generator, dtype=torch.float64)
    sample: torch.Tensor = centre + deviation * special.ndtri(low + share * (high - low))
    return sample.clamp(0, 1).to(mean.dtype)

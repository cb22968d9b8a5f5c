"""The normal distribution, cut to [0, 1]."""

import torch


def truncated_normal(mean: torch.Tensor, deviation: float, generator: torch.Generator) -> torch.Tensor:
    """A sample of each, of the shape of `mean`, which is in [0, 1]; `deviation` is that before the cut.

    By the inverse of the cumulative distribution (Devroye, Non-Uniform Random Variate Generation, 1986, II.2).
    """
    centre = mean.double()
    low, high = torch.special.ndtr(-centre / deviation), torch.special.ndtr((1 - centre) / deviation)
    share = torch.rand(mean.shape, generator=generator, dtype=torch.float64)
    sample = centre + deviation * torch.special.ndtri(low + share * (high - low))
    return sample.clamp(0, 1).to(mean.dtype)

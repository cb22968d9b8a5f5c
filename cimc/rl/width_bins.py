"""Which widths an action in [0, 1] stands for: each width that a layer may have takes an equal share."""

import numpy as np

from cimc.rl.space import Space
from cimc.runtime.arrays import Array


def weight_bits_for(space: Space, layer: int, action: float) -> int:
    """The bits of a layer's weights, of those that occur in an allowed option."""
    return _in_equal_shares(space.weight_bits[space.allowed[layer]], action)


def option_for(space: Space, layer: int, weight_bits: int, action: float) -> int:
    """The allowed option with these weights whose activations are nearest to those the action stands for.

    Shares do not depend on the weights, so that an action means the same with all of them. Of two that are
    as near, the wider: it is no slower than what was dropped between them.
    """
    wanted = _in_equal_shares(space.activation_bits[space.allowed[layer]], action)
    candidates = np.flatnonzero(space.allowed[layer] & (space.weight_bits == weight_bits))[::-1]
    return int(candidates[np.abs(space.activation_bits[candidates] - wanted).argmin()])


def _in_equal_shares(widths: Array, action: float) -> int:
    distinct = np.unique(widths)
    return int(distinct[min(int(action * len(distinct)), len(distinct) - 1)])

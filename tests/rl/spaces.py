"""Spaces at random, for the tests of what searches them."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from cimc.policy import Widths
from cimc.rl.space import Choices, Space
from cimc.runtime.arrays import Array


def space_of(latency: Array, allowed: Array, options: tuple[Widths, ...]) -> Space:
    """A space of layers with numbers for names; 8/8 bits take as long as all that is slowest."""
    names = tuple(f"layer{i}" for i in range(len(latency)))
    return Space(names, options, latency, allowed, int(latency.max(1).sum()))


@st.composite
def spaces(draw: st.DrawFn, most_layers: int = 3, most_widths: int = 3) -> Space:
    """Any latencies, any widths, and at least one option allowed for each layer."""
    weights, activations = (
        sorted(draw(st.sets(st.integers(2, 8), min_size=1, max_size=most_widths))) for _ in range(2)
    )
    options = tuple(Widths(w, a) for w in weights for a in activations)
    layers, count = draw(st.integers(1, most_layers)), len(options)
    latency = draw(st.lists(st.integers(1, 9), min_size=layers * count, max_size=layers * count))
    allowed = np.zeros((layers, count), bool)
    for row in allowed:
        row[sorted(draw(st.sets(st.integers(0, count - 1), min_size=1)))] = True
    return space_of(np.array(latency, np.int64).reshape(layers, count), allowed, options)


def policies(space: Space) -> list[Choices]:
    """All that are allowed."""
    return list(product(*([int(i) for i in np.flatnonzero(row)] for row in space.allowed)))

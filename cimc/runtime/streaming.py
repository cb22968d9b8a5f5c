"""Vectors that stream one after the other, each as soon as it is there."""

import numpy as np

from cimc.runtime.arrays import Array


def stream(ready_ps: Array, free_ps: int, vector_ps: int) -> Array:
    """When each vector is through a crossbar that is free from a time on, int64, for vectors in their order.

    A vector starts when it is there and the one before is through: with s[j] = max(ready[j], s[j-1] + d),
    s[j] - j * d is the running maximum of ready[j] - j * d.
    """
    before = np.arange(len(ready_ps), dtype=np.int64) * vector_ps
    starts = np.maximum.accumulate(np.maximum(ready_ps, free_ps) - before) + before
    return starts + vector_ps

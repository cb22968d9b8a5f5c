"""Streams of random numbers: each thing that is drawn has its own, so nothing depends on the order."""

from enum import IntEnum

import numpy as np
from numpy.random import SFC64, Generator, SeedSequence

from cimc.runtime.arrays import Array


class Drawn(IntEnum):
    """What is drawn."""

    FAULTS = 0
    PROGRAMMING = 1
    READ = 2


def stream_of(seed: int, trial: int, what: Drawn, *numbers: int) -> Generator:
    """The stream for something, by its numbers, in a trial of a seed."""
    sequence = SeedSequence(seed, spawn_key=(trial, int(what), *numbers))
    return Generator(SFC64(sequence))


_BLOCK = 1 << 15


def normals(rng: Generator, count: int) -> Array:
    """Standard normal float32 [count], by Box and Muller (1958): twice as fast as numpy's, and in bulk.

    Uniforms are 2^-32 at least, so the largest is sqrt(2 log 2^32), 6.7 deviations.
    """
    out = np.empty(count + count % 2, np.float32)
    for start in range(0, len(out), 2 * _BLOCK):
        _box_muller(rng, out[start : start + 2 * _BLOCK])
    return out[:count]


def _box_muller(rng: Generator, out: Array) -> None:
    half = len(out) // 2
    bits = rng.bit_generator.random_raw(half).view(np.int32)  # signed: half as fast to convert otherwise
    radius, angle = bits[:half].astype(np.float32), bits[half:].astype(np.float32)
    # Uniform in (0, 1], which float32 resolves best near 0, where the large radii come from.
    np.abs(radius, out=radius)
    radius += np.float32(0.5)
    radius *= np.float32(1 / (2**31 + 0.5))
    np.log(radius, out=radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    angle *= np.float32(np.pi * 2.0**-31)
    for function, part in ((np.cos, out[:half]), (np.sin, out[half:])):
        function(angle, out=part)
        part *= radius

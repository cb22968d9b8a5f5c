"""What a search chooses from: the widths of each layer, and what each of them costs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cimc.policy import MAX_BITS, Policy, Widths
from cimc.runtime.arrays import Array

Choices = tuple[int, ...]
"""One option for each layer, by its index in `Space.options`."""

NEVER = 1 << 20
"""A distance between widths that there is not."""


@dataclass(frozen=True, eq=False)
class Space:
    """The layers of a network, the options that each has, and the latency of each option.

    The latency of a network is taken for the sum of its layers', which it is on one crossbar.
    """

    layers: tuple[str, ...]
    options: tuple[Widths, ...]
    """The same for all layers, in the order of weight bits, then activation bits."""
    latency_ps: Array
    """int64 [layers, options]."""
    allowed: Array
    """bool [layers, options]: what the constraints leave, without options that another one beats."""
    latency_8bit_ps: int
    """Of the whole network at 8/8 bits in the paper's mapping: what speedups are over."""

    @cached_property
    def weight_bits(self) -> Array:
        """int64 [options]."""
        return np.array([option.weight_bits for option in self.options])

    @cached_property
    def activation_bits(self) -> Array:
        """int64 [options]."""
        return np.array([option.activation_bits for option in self.options])

    @cached_property
    def widest(self) -> Choices:
        """The allowed option with the most bits of each layer."""
        bits = np.where(self.allowed, self.weight_bits + self.activation_bits, -1)
        return tuple(int(index) for index in bits.argmax(1))

    @cached_property
    def fastest(self) -> Choices:
        """The allowed option of each layer that takes least time."""
        worst = np.iinfo(np.int64).max
        return tuple(int(i) for i in np.where(self.allowed, self.latency_ps, worst).argmin(1))

    @property
    def eight(self) -> Choices:
        """8/8 bits for all layers, whether that is allowed or not: what others are compared with."""
        return (self.options.index(Widths(MAX_BITS, MAX_BITS)),) * len(self.layers)

    def allows(self, choices: Sequence[int]) -> bool:
        """Whether each layer may have its option."""
        return bool(self.allowed[np.arange(len(self.layers)), list(choices)].all())

    def latency_of(self, choices: Sequence[int]) -> int:
        """The sum of the layers' latencies, in ps."""
        return int(self.latency_ps[np.arange(len(self.layers)), list(choices)].sum())

    def speedup(self, choices: Sequence[int]) -> float:
        """How many times faster than 8/8 bits in the paper's mapping."""
        return self.latency_8bit_ps / self.latency_of(choices)

    def policy(self, choices: Sequence[int]) -> Policy:
        """The widths of each layer by its name."""
        return {name: self.options[i] for name, i in zip(self.layers, choices, strict=True)}

    def choices(self, policy: Mapping[str, Widths]) -> Choices:
        """The inverse of `policy`. Raises `KeyError` or `ValueError` for what is not in the space."""
        return tuple(self.options.index(policy[name]) for name in self.layers)

    def uniform(self, widths: Widths) -> Choices:
        """The same widths for all layers.

        Where a layer may not have them, those that are wider and no slower, or else the nearest ones.
        """
        more_weight = self.weight_bits - widths.weight_bits
        more_activation = self.activation_bits - widths.activation_bits
        distance = np.abs(more_weight) * 16 + np.abs(more_activation)
        wanted = self.latency_ps[:, [self.options.index(widths)]]
        beats = (more_weight >= 0) & (more_activation >= 0) & (self.latency_ps <= wanted)
        far = np.where(beats, distance, distance + NEVER)
        return tuple(int(index) for index in np.where(self.allowed, far, 2 * NEVER).argmin(1))


def policy_name(choices: Choices) -> str:
    """A name for files: 16 hexadecimal digits, other ones for each policy (SHA-256)."""
    return hashlib.sha256(repr(choices).encode()).hexdigest()[:16]


def without_beaten(latency_ps: Array, allowed: Array, options: Sequence[Widths]) -> Array:
    """`allowed` without options for which another one has no fewer bits of either kind, and is no slower.

    Arrays are [layers, options].
    """
    w = np.array([option.weight_bits for option in options])
    a = np.array([option.activation_bits for option in options])
    wider = (w[None, :] >= w[:, None]) & (a[None, :] >= a[:, None]) & ~np.eye(len(options), dtype=bool)
    result = allowed.copy()
    for layer in range(len(allowed)):
        no_slower = latency_ps[layer][None, :] <= latency_ps[layer][:, None]
        beaten = (wider & no_slower & allowed[layer][None, :]).any(1)
        result[layer] &= ~beaten
    return result

"""Chooses quantisers from values that were seen."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer

Method: TypeAlias = Literal["mse", "percentile", "minmax"]

METHODS: tuple[Method, ...] = get_args(Method)

PERCENTILE = 99.9
"""The part of the values, in percent, that `percentile` keeps unclipped."""

SAMPLES_PER_ARRAY = 1 << 14
SAMPLES = 1 << 17
CLIPPING_STEPS = 64
SKEW = 0.25
"""The part of the largest value that values below 0 may reach in a skewed tensor."""


@dataclass
class Observer:
    """What has been seen of a tensor: its exact range, and an evenly spaced sample of its values."""

    low: float = 0.0
    high: float = 0.0
    samples: list[Array] = field(default_factory=list[Array])

    def see(self, values: Array) -> None:
        """Takes in an array of floats; an empty one tells nothing."""
        if not values.size:
            return
        self.low = min(self.low, float(values.min(initial=0)))
        self.high = max(self.high, float(values.max(initial=0)))
        if sum(map(len, self.samples)) < SAMPLES:
            step = -(-values.size // SAMPLES_PER_ARRAY)
            self.samples.append(values.reshape(-1)[::step].copy())

    def quantizer(self, bits: int, *, signed: bool, narrow: bool, method: Method) -> Quantizer:
        """A symmetric quantiser (zero point 0) for what was seen."""
        largest = max(-self.low, self.high) if signed else self.high
        if method == "percentile":
            values = np.abs(self._sample()) if signed else self._sample()
            largest = max(float(np.percentile(values, PERCENTILE)), 0.0)
        quantizer = _with_largest(largest, bits, signed, narrow)
        return self._best(quantizer, largest) if method == "mse" and largest > 0 else quantizer

    @property
    def is_skewed(self) -> bool:
        """Whether values reach so little below 0 that codes with a sign would hardly use theirs."""
        return -self.low < SKEW * self.high

    def skewed_quantizer(self, bits: int) -> Quantizer:
        """Codes without a sign; where there are values below 0, a zero point gives them room.

        Of ranges clipped more and more on both sides, the one with the least mean squared error.
        """
        values = self._sample()
        candidates = [
            _with_range(self.low * step / CLIPPING_STEPS, self.high * step / CLIPPING_STEPS, bits)
            for step in range(CLIPPING_STEPS, 0, -1)
        ]
        return min(candidates, key=lambda q: _squared_error(values, q))

    def _sample(self) -> Array:
        return np.concatenate(self.samples) if self.samples else np.zeros(1, np.float32)

    def _best(self, quantizer: Quantizer, largest: float) -> Quantizer:
        """Of ranges clipped more and more, the one with the least mean squared error."""
        values = self._sample()
        candidates = [
            _with_largest(largest * step / CLIPPING_STEPS, quantizer.bits, quantizer.signed, quantizer.narrow)
            for step in range(CLIPPING_STEPS, 0, -1)
        ]
        return min(candidates, key=lambda q: _squared_error(values, q))


def _with_largest(largest: float, bits: int, signed: bool, narrow: bool) -> Quantizer:
    unit = Quantizer(1.0, 0, bits, signed, narrow)
    scale = float(np.float32(largest / unit.high)) if unit.high else 0.0
    # Nothing but zeros: any scale describes them, and a scale of 0 would make NaN of them.
    return Quantizer(scale if scale > 0 else 1.0, 0, bits, signed, narrow)


def _with_range(low: float, high: float, bits: int) -> Quantizer:
    scale = float(np.float32((high - low) / ((1 << bits) - 1)))
    return Quantizer(scale, round(-low / scale), bits, False) if scale > 0 else Quantizer(1.0, 0, bits, False)


def _squared_error(values: Array, quantizer: Quantizer) -> float:
    codes = quantizer.quantize(values).astype(np.int32) - quantizer.zero_point
    error = codes * np.float32(quantizer.scale) - values
    return float(np.dot(error, error))

"""Chooses the range of ADCs from the sums that they read."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from cimc.runtime.analog.adc import Adc
from cimc.runtime.arrays import Array

AdcMethod: TypeAlias = Literal["mse", "percentile"]

ADC_METHODS: tuple[AdcMethod, ...] = get_args(AdcMethod)

_CANDIDATES = 128
"""Ranges that are tried, evenly spaced up to the largest sum."""


@dataclass
class SumHistogram:
    """How often each magnitude of a column sum, in whole units, was to be read.

    Sums of pairs and of single columns are apart, since a positive range has more codes. `errors` weighs a
    sum with the square of what it counts in the product: of places of input and weight digits.
    """

    counts: dict[bool, Array] = field(default_factory=dict[bool, Array])
    errors: dict[bool, Array] = field(default_factory=dict[bool, Array])

    def see(self, sums: Array, counts_for: Array, *, symmetric: bool) -> None:
        """Counts sums, [cycles, vectors, columns], that count [cycles, 1, columns] in the product."""
        magnitudes = np.abs(np.rint(sums)).astype(np.int64).ravel()
        weights = np.broadcast_to(np.square(counts_for), sums.shape).ravel()
        _add(self.counts, symmetric, np.bincount(magnitudes))
        _add(self.errors, symmetric, np.bincount(magnitudes, weights))

    def limit(self, method: AdcMethod, bits: int, percentile: float) -> float:
        """The range in units: above 0, and not above the largest sum if that is not 0.

        `percentile` holds so many percent of all reads; `mse` makes the squared error of products least,
        for ADCs of so many bits.
        """
        largest = max(len(counts) - 1 for counts in self.counts.values())
        if largest == 0:
            return 1.0
        if method == "percentile":
            return float(max(1, self._percentile(percentile)))
        candidates = largest * np.arange(1, _CANDIDATES + 1) / _CANDIDATES
        return float(min(candidates, key=lambda limit: self._error(float(limit), bits)))

    def _percentile(self, percentile: float) -> int:
        size = max(len(counts) for counts in self.counts.values())
        total = np.zeros(size, np.int64)
        for counts in self.counts.values():
            total[: len(counts)] += counts
        held: Array = np.cumsum(total) >= percentile / 100 * total.sum()
        return int(held.argmax())

    def _error(self, limit: float, bits: int) -> float:
        error = 0.0
        for symmetric, weights in self.errors.items():
            converter = Adc(bits).converter(limit, symmetric=symmetric)
            sums = np.arange(len(weights), dtype=np.float64)
            reads = sums * converter.highest
            converter.convert(reads)
            error += float(weights @ np.square(reads * converter.unit - sums))
        return error


def _add(histograms: dict[bool, Array], symmetric: bool, counted: Array) -> None:
    before = histograms.get(symmetric)
    if before is not None:
        size = max(len(before), len(counted))
        counted = np.pad(counted, (0, size - len(counted))) + np.pad(before, (0, size - len(before)))
    histograms[symmetric] = counted

"""Analog-to-digital converters: what becomes of a column sum that is read."""

from dataclasses import dataclass

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.analog.checks import check_number
from cimc.runtime.arrays import Array

MIN_BITS, MAX_BITS = 2, 16


@dataclass(frozen=True)
class Adc:
    """The converters of a crossbar; without `bits` they are ideal: every sum is read as it is.

    Sums are in units: a cell one level above the lowest, in a row that is driven by a 1, gives one unit.
    Raises `CimcError` if a value is out of range.
    """

    bits: int | None = None
    range: float | None = None
    """The largest sum that is converted, in units; without it, the largest that a tile's rows can give."""

    def __post_init__(self) -> None:
        bits, limit = self.bits, self.range
        if bits is not None and (type(bits) is not int or not MIN_BITS <= bits <= MAX_BITS):
            raise CimcError(f"adc: bits must be a whole number from {MIN_BITS} to {MAX_BITS}, got {bits!r}")
        if limit is not None:
            check_number("adc", "range", limit, "a number of units above 0", lambda v: 0 < v < float("inf"))

    def converter(self, limit: float, *, symmetric: bool) -> "Converter":
        """What converts sums up to `limit` units: of both signs if `symmetric`, else from 0 on.

        Mid-tread: 0 is a code. A symmetric range has 2^b - 1 codes, a positive one 2^b.
        """
        assert self.bits is not None, "an ideal ADC converts nothing"
        highest = (1 << (self.bits - 1)) - 1 if symmetric else (1 << self.bits) - 1
        return Converter(limit, -highest if symmetric else 0, highest)


@dataclass(frozen=True)
class Converter:
    """A sum s becomes the code clip(round(s * highest / limit), lowest, highest), ties to even."""

    limit: float
    lowest: int
    highest: int

    @property
    def step(self) -> float:
        """Units that a code counts."""
        return self.limit / self.highest

    @property
    def whole_units(self) -> bool:
        """Whether it reads finer than a unit: its codes are rounded to units then."""
        return self.limit <= self.highest

    def holds(self, lowest: float, highest: float) -> bool:
        """Whether no sum from the lowest to the highest is clipped."""
        return (self.lowest < 0 or lowest >= 0) and max(-lowest, highest) <= self.limit

    def convert(self, scaled: Array, *, may_clip: bool = True) -> int:
        """Makes reads of sums that are multiplied by `highest`, in place; says how many were clipped.

        Reads are codes, or, if it reads finer than a unit, whole units: times `unit` they are sums.
        A quotient of floats is rounded once, so ties are found exactly where `scaled` is exact.
        """
        np.divide(scaled, scaled.dtype.type(self.limit), out=scaled)
        np.rint(scaled, out=scaled)
        clipped = self._clip(scaled) if may_clip else 0
        if self.whole_units:
            np.multiply(scaled, scaled.dtype.type(self.step), out=scaled)
            np.rint(scaled, out=scaled)
        return clipped

    def _clip(self, codes: Array) -> int:
        if codes.min(initial=0) >= self.lowest and codes.max(initial=0) <= self.highest:
            return 0
        clipped = int(np.count_nonzero(codes < self.lowest) + np.count_nonzero(codes > self.highest))
        np.clip(codes, self.lowest, self.highest, out=codes)
        return clipped

    @property
    def unit(self) -> float:
        """What a read counts, in units."""
        return 1.0 if self.whole_units else self.step

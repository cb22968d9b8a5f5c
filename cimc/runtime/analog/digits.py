"""What digital-to-analog converters drive rows with: the digits of input codes, one a cycle."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class InputDigits:
    """In cycle t a row is driven by bits t * stride up to, but without, t * stride + bits of its code.

    Codes with a sign are two's complement. The top digit of one bit drives rows like the others and counts
    negative; a top digit of several bits drives rows with its sign.
    """

    bits: int
    stride: int
    cycles: int
    signed: bool
    largest_code: int
    """The largest magnitude of a code, or of the sum of digits that a row is driven with."""

    @property
    def largest(self) -> int:
        """The largest digit."""
        return (1 << self.bits) - 1

    @property
    def drives_both_ways(self) -> bool:
        """Whether some digits are negative."""
        return self.signed and self.bits > 1

    @cached_property
    def places(self) -> Array:
        """What a digit counts, float64 [cycles]."""
        places = 2.0 ** (self.stride * np.arange(self.cycles))
        if self.signed and self.bits == 1:
            places[-1] *= -1
        return places

    def of(self, codes: Array) -> Array:
        """The digits of codes [vectors, rows]: [cycles, vectors, rows], uint8 if digits are small."""
        if self.drives_both_ways:  # the top digit's sign needs more bits than the codes may have
            codes = codes.astype(np.int32)
        shifts = (self.stride * np.arange(self.cycles)).astype(codes.dtype)[:, None, None]
        digits = np.right_shift(codes, shifts)
        np.bitwise_and(digits, np.int32(self.largest).astype(codes.dtype), out=digits)
        if self.drives_both_ways:
            half = 1 << (self.bits - 1)
            digits[-1] = (digits[-1] ^ half) - half
            return digits
        return digits.astype(np.uint8 if self.bits <= 8 else np.int32, copy=False)

    def squares(self, codes: Array) -> Array:
        """Summed over cycles, the squares of digits times what they count: float32, as many as codes."""
        if codes.dtype.itemsize > 1:
            return self._squares(codes)
        return self._squares_of_bytes.take(codes.view(np.uint8))

    def _squares(self, codes: Array) -> Array:
        driven = self.of(codes) * self.places[:, None, None]
        return np.square(driven).sum(axis=0).astype(np.float32)

    @cached_property
    def _squares_of_bytes(self) -> Array:
        """Those of all codes of 8 bits: to look them up is thirty times faster."""
        bytes_ = np.arange(256, dtype=np.uint8)
        return self._squares(bytes_.view(np.int8 if self.signed else np.uint8)[None])[0]

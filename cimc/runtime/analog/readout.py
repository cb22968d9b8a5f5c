"""How products come out of a programmed tile: cycle by cycle through ADCs, or at once where that is equal."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator

from cimc.runtime.analog.adc import Converter
from cimc.runtime.analog.digits import InputDigits
from cimc.runtime.analog.streams import normals
from cimc.runtime.analog.sums import ColumnSums, ExactSums, columns_of
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Read
from cimc.runtime.products import FLOAT32_EXACT, StoredMatrix


@dataclass
class ReadCounts:
    """Column sums that went through ADCs, and how many of them were out of range."""

    converted: int = 0
    clipped: int = 0

    def add(self, other: "ReadCounts") -> None:
        """Adds what others count."""
        self.converted += other.converted
        self.clipped += other.clipped


class Readout(Protocol):
    """Gives the products of what drives a tile with it."""

    def products(self, driven: Array, digits: InputDigits, rng: Generator, counts: ReadCounts) -> Array:
        """[vectors, rows, a pair of them as one] to [vectors, sums of the tile], in units."""
        ...


@dataclass(frozen=True)
class AtOnce:
    """Where reads are exact, shift-and-add only sums up: the product with what digits mean is the same."""

    matrix: StoredMatrix

    def products(self, driven: Array, digits: InputDigits, rng: Generator, counts: ReadCounts) -> Array:
        return self.matrix.times(driven, digits.largest_code)


@dataclass(frozen=True)
class NoisyAtOnce:
    """The same with Gaussian read noise: of a sum over cycles of exact reads, only the variance counts."""

    matrix: StoredMatrix
    variances: StoredMatrix
    """Of each row's share in a sum, for a digit of 1 in a place of 1, in units squared."""

    def products(self, driven: Array, digits: InputDigits, rng: Generator, counts: ReadCounts) -> Array:
        products = self.matrix.times(driven, digits.largest_code)
        noise = np.sqrt(self.variances.times(digits.squares(driven), 1))
        return products + noise * normals(rng, products.size).reshape(products.shape)


@dataclass(frozen=True)
class ReadGroup:
    """Reads of a tile that have the same converter, None if it is ideal."""

    reads: tuple[Read, ...]
    sums: ColumnSums
    converter: Converter | None
    may_clip: bool

    def totals(self, rows: Array, digits: InputDigits, rng: Generator, counts: ReadCounts) -> Array:
        """Reads in the units of `unit`, shifted and added over cycles: [cycles * vectors, rows] to
        [vectors, columns]."""
        scale = 1 if self.converter is None else self.converter.highest
        values = self.sums.of(rows, digits.largest, scale, rng)
        largest = float("inf")
        if self.converter is not None:
            counts.clipped += self.converter.convert(values, may_clip=self.may_clip)
            counts.converted += values.size
            largest = max(self.converter.highest, self.converter.limit)
        places = digits.places
        if len(places) == 1:
            return values if places[0] == 1 else -values
        exact = largest * np.abs(places).sum() < FLOAT32_EXACT
        dtype = np.float32 if exact else np.float64
        totals = places.astype(dtype) @ values.reshape(digits.cycles, -1).astype(dtype, copy=False)
        return totals.reshape(-1, values.shape[1])

    @property
    def is_still(self) -> bool:
        """Whether there is no noise."""
        return isinstance(self.sums, ExactSums)

    @property
    def unit(self) -> float:
        """What a read counts, in units."""
        return 1.0 if self.converter is None else self.converter.unit

    def columns(self) -> Iterator[tuple[slice, Read]]:
        """The columns of each read among the group's."""
        return columns_of(self.reads)


_ROWS_AT_ONCE = 2048
"""Vectors times cycles that stream at once: what they give stays in the second level of cache."""


@dataclass(frozen=True)
class CycleByCycle:
    """In each cycle, the sums of the tile's columns are read, converted, shifted and added."""

    groups: tuple[ReadGroup, ...]
    outputs: int
    """Sums of the tile."""

    def products(self, driven: Array, digits: InputDigits, rng: Generator, counts: ReadCounts) -> Array:
        products = np.zeros((len(driven), self.outputs))
        block = max(1, _ROWS_AT_ONCE // digits.cycles)
        for start in range(0, len(driven), block):
            rows = digits.of(driven[start : start + block])
            rows = rows.reshape(-1, rows.shape[-1])
            for group in self.groups:
                totals = group.totals(rows, digits, rng, counts)
                for columns, read in group.columns():
                    counts_for = read.factor * group.unit  # a step is no whole number: not in float32
                    part = np.multiply(totals[:, columns], counts_for, dtype=np.float64)
                    products[start : start + block, read.sums] += part
        return products

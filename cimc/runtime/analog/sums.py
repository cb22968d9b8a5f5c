"""The sums that a cycle gives: what rows are driven with times what cells conduct, with or without noise."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator

from cimc.runtime.analog.cells import Cells, noisy
from cimc.runtime.analog.conductances import Conductances
from cimc.runtime.analog.streams import normals
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Read
from cimc.runtime.products import StoredMatrix


class ColumnSums(Protocol):
    """The sums that are read of a programmed tile in a cycle."""

    def of(self, digits: Array, largest: int, scale: int, rng: Generator) -> Array:
        """The sums of cycles, in units times `scale`: digits [cycles, rows] to floats [cycles, reads].

        `largest` is the largest magnitude of a digit. A pair of rows that are driven by a digit and its
        negative is one row here.
        """
        ...


@dataclass(frozen=True)
class ExactSums:
    """Without noise."""

    weights: StoredMatrix

    def of(self, digits: Array, largest: int, scale: int, rng: Generator) -> Array:
        return self.weights.times(digits, largest, scale)


@dataclass(frozen=True)
class NoisyColumns:
    """With noise that is drawn once a sum: a sum of Gaussians is a Gaussian of the summed variances."""

    weights: StoredMatrix
    variances: StoredMatrix
    """Of each row's share in a sum, for a digit of 1, in units of `deviation` squared."""
    deviation: float

    def of(self, digits: Array, largest: int, scale: int, rng: Generator) -> Array:
        sums = self.weights.times(digits, largest, scale)
        squares = digits if largest == 1 else np.square(digits.astype(np.int32))
        noise = self.variances.times(squares, largest**2).astype(np.float32, copy=False)
        np.sqrt(noise, out=noise)
        noise *= np.float32(self.deviation * scale)
        drawn = normals(rng, sums.size).reshape(sums.shape)
        drawn *= noise  # one column of deviations if all reads have the same
        sums += drawn
        return sums


@dataclass(frozen=True)
class NoisyCells:
    """With noise that is drawn for each cell in each cycle."""

    conductances: Conductances
    cells: Cells
    highest: int
    reads: tuple[Read, ...]
    row_step: int

    def of(self, digits: Array, largest: int, scale: int, rng: Generator) -> Array:
        whole = self.conductances.whole
        sums: list[Array] = []
        for driven in digits.astype(np.float32):
            read = noisy(whole, self.cells.read_kind, self.cells.read_noise, self.highest, rng)
            sums.append(driven @ per_read(read, self.reads, self.row_step))
        return np.stack(sums) * np.float32(scale)


def columns_of(reads: Iterable[Read]) -> Iterator[tuple[slice, Read]]:
    """Reads with their columns, which lie side by side."""
    start = 0
    for read in reads:
        yield slice(start, start + read.width), read
        start += read.width


def per_read(cells: Array, reads: tuple[Read, ...], row_step: int, *, add: bool = False) -> Array:
    """Cells [rows, columns] as what each digit counts in each read: [rows, a pair as one; reads].

    Of a pair of cells it is the difference, or, with `add`, the sum.
    """
    sign = 1 if add else -1
    if row_step == 2:
        cells = cells[0::2] + sign * cells[1::2]
    parts = [
        cells[:, read.plus] if read.minus is None else cells[:, read.plus] + sign * cells[:, read.minus]
        for read in reads
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

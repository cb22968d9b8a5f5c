"""What a tile's cells conduct once they are programmed."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from cimc.runtime.analog.cells import Cells, noisy
from cimc.runtime.analog.faults import Faults
from cimc.runtime.analog.streams import normals
from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Conductances:
    """Cells [rows, columns] that conduct `above + lowest`, in steps (see `Cells`), float32.

    What all cells have in common is kept apart, so that a pair's difference is free of it exactly.
    """

    above: Array
    lowest: float

    @property
    def whole(self) -> Array:
        """The conductances themselves."""
        return self.above + np.float32(self.lowest) if self.lowest else self.above


def programmed(
    codes: Array, cells: Cells, cell_bits: int, faults: Faults | None, rng: Generator
) -> Conductances:
    """What cells conduct that were programmed to codes, uint8 [rows, columns], when they are used.

    First comes the error of programming, then drift; stuck cells know neither.
    """
    table = cells.conductances(cell_bits)
    lowest = float(table[0])
    highest = (1 << cell_bits) - 1
    # A cell of equal levels is exactly its code above the lowest one.
    steps = (table - lowest if cells.levels else np.arange(highest + 1)).astype(np.float32)
    g = Conductances(steps[codes], lowest)
    if cells.programming_noise or cells.drifts:
        whole = g.whole
        if cells.programming_noise:
            whole = noisy(whole, cells.programming_kind, cells.programming_noise, highest, rng)
        if cells.drifts:
            whole = whole * _drift(cells, whole.shape, rng)
        g = Conductances(whole - np.float32(lowest), lowest)
    if faults is not None:
        rows, columns = codes.shape
        g.above[faults.off[:rows, :columns]] = steps[0]
        g.above[faults.on[:rows, :columns]] = steps[-1]
    return g


def _drift(cells: Cells, shape: tuple[int, ...], rng: Generator) -> Array:
    """(t / t0)^-nu of each cell, float32, nu normal from cell to cell."""
    nu = np.full(shape, cells.drift_exponent, np.float32)
    if cells.drift_exponent_noise:
        nu += np.float32(cells.drift_exponent_noise) * normals(rng, nu.size).reshape(shape)
    return np.float32(cells.drift_s / cells.drift_start_s) ** -nu

"""The resistance of a crossbar's wires: what its columns read instead of the products with the cells."""

import math
from dataclasses import dataclass

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.analog.ladders import ladder_effective
from cimc.runtime.analog.nodal import exact_effective
from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Wires:
    """Resistances of the wires between neighbouring cells. Raises `CimcError` for impossible ones."""

    row_ohm: float = 0.0
    """Of a word line, from one cell to the next, and from its source to the first."""
    column_ohm: float = 0.0
    """Of a bit line, from one cell to the next, and from the last to its sense amplifier."""
    on_siemens: float = 1e-4
    """The conductance of a cell in its highest level."""
    exact: bool = False
    """Whether to solve the whole network (a second a tile) instead of approximating it."""

    def __post_init__(self) -> None:
        for name, ohm in (("row_ohm", self.row_ohm), ("column_ohm", self.column_ohm)):
            if not (math.isfinite(ohm) and ohm >= 0):
                raise CimcError(f"wires: {name} must be a finite number of ohms, 0 or more, not {ohm}")
        if not (math.isfinite(self.on_siemens) and self.on_siemens > 0):
            raise CimcError(f"wires: on_siemens must be a finite number above 0, not {self.on_siemens}")

    @property
    def are_ideal(self) -> bool:
        """Whether they have no resistance, so that columns read the products themselves."""
        return self.row_ohm == self.column_ohm == 0


def effective(cells: Array, wires: Wires, step_siemens: float) -> Array:
    """The matrix with which a tile multiplies its input voltages, [rows, columns] in float64.

    `cells` are the tile's conductances, [rows, columns] >= 0, in steps of `step_siemens`; so is the result.
    Word lines are driven at column 0, bit lines end in virtual grounds below the last row; rows that are not
    driven are held at 0 V. The network is linear, so the currents of [vectors, rows] voltages are
    `voltages @ effective(...)` for any voltages.
    """
    if wires.are_ideal:
        return cells.astype(np.float64)
    solve = exact_effective if wires.exact else ladder_effective
    return solve(cells * step_siemens, wires.row_ohm, wires.column_ohm) / step_siemens

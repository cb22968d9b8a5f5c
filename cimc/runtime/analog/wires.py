"""The resistance of a crossbar's wires: what its columns read instead of the products with the cells."""

from dataclasses import dataclass
from math import inf

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.analog.checks import check_number
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
        for key in ("row_ohm", "column_ohm"):
            check_number("wires", key, getattr(self, key), "0 or more", lambda v: 0 <= v < inf)
        check_number("wires", "on_siemens", self.on_siemens, "above 0", lambda v: 0 < v < inf)
        if type(self.exact) is not bool:
            raise CimcError(f"wires: exact must be true or false, got {self.exact!r}")

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

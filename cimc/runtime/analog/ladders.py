"""A crossbar with resistive wires, approximated: lines as ladders, and detours through mean cells.

The current from row r to column c has two parts. The direct one passes the cell g between them, a * g * b:
`a` is the voltage at the cell if every bit line were at ground, `b` the share of the cell's current that
arrives if every word line were. Both are ladders, solved exactly. The other part takes detours over further
rows and columns. It feels many cells at once and so hardly their scatter. It is computed exactly for a
crossbar with the same mean of each column, one with the same mean of each row, and one with the same mean of
all; the first two multiplied, over the third, has the pattern of both.

In a crossbar of equal rows the equations of the bit lines separate into modes, patterns along the rows in
which a bit line is but a conductance to ground. In each mode a word line is again a ladder. (R. Xie et al.,
"A fast method for steady-state memristor crossbar array circuit simulation", ICTA 2021, arXiv 2109.07929, use
the tensor structure of a uniform crossbar as a preconditioner.)
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from cimc.runtime.arrays import Array

_NEGLIGIBLE = 1e-12
"""Detours below this share of the mean cell are not told from rounding."""


def ladder_effective(siemens: Array, row_ohm: float, column_ohm: float) -> Array:
    """The currents at the columns, [rows, columns] in siemens, for 1 V at one row and 0 V at the others.

    `siemens` are the cells, [rows, columns]; resistances are of one segment. Exact where the wires of one
    direction have no resistance. `docs/ir_drop.md` has the errors.
    """
    cells = siemens[::-1].astype(np.float64)  # both kinds of lines now have their terminal at cell 0
    direct = _ladders(cells.T, row_ohm).T * cells * _ladders(cells, column_ohm)
    return (direct + _detours(cells, row_ohm, column_ohm))[::-1]


def _ladders(siemens: Array, ohm: float) -> Array:
    """The voltages along lines driven with 1 V through a first segment: [positions, lines].

    A cell of `siemens`, [positions, lines], leads from each position to ground.
    """
    voltages = np.empty(siemens.shape)
    beyond = np.zeros(siemens.shape[1])
    for cells, share in zip(siemens[::-1], voltages[::-1], strict=True):
        seen = cells + beyond  # the conductance to ground from this position on
        np.divide(1, 1 + ohm * seen, out=share)  # of the voltage one position nearer to the terminal
        beyond = seen * share
    for before, here in pairwise(voltages):
        here *= before
    return voltages


def _detours(cells: Array, row_ohm: float, column_ohm: float) -> Array:
    """What reaches columns through more than one cell, [rows, columns] in siemens, from the terminals on."""
    rows, columns = cells.shape
    mean = cells.mean()
    by_column = _detours_of_equal_rows(cells.mean(axis=0), rows, row_ohm, column_ohm)
    by_row = _detours_of_equal_rows(cells.mean(axis=1), columns, column_ohm, row_ohm).T
    by_mean = _detours_of_equal_rows(np.full(columns, mean), rows, row_ohm, column_ohm)
    matters = by_mean > _NEGLIGIBLE * mean
    return by_column * np.divide(by_row, by_mean, where=matters, out=np.zeros_like(cells))


def _detours_of_equal_rows(cells: Array, rows: int, row_ohm: float, column_ohm: float) -> Array:
    """The same for `rows` rows that all hold `cells`, [columns] in siemens."""
    stiffness, modes = _modes(rows)  # stiffness / column_ohm is a mode's conductance to ground
    cell = cells[:, np.newaxis]
    arriving = cell / (stiffness + cell * column_ohm)
    # In each mode a cell and the bit line behind it in series; last, for the direct part, the cell alone.
    voltages = _ladders(np.hstack([arriving * stiffness, cell]), row_ohm)
    return modes * modes[0] @ (arriving * (voltages[:, :-1] - voltages[:, -1:])).T


@lru_cache(maxsize=16)
def _modes(nodes: int) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors, [nodes, modes], of a line of unit conductances, grounded before node 0.

    Its matrix is tridiagonal, -1, 2, -1, with 1 in the last place as the other end is open. The eigenvectors
    are sines: G. Strang, "The discrete cosine transform", SIAM Review 41(1), 1999.
    """
    angles = (2 * np.arange(nodes) + 1) * np.pi / (2 * nodes + 1)
    modes = np.sin(np.outer(np.arange(1, nodes + 1), angles)) * np.sqrt(4 / (2 * nodes + 1))
    return 2 - 2 * np.cos(angles), modes

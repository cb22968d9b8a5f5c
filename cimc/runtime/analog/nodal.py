"""A crossbar with resistive wires, solved exactly: nodal analysis of the whole network."""

import numpy as np

from cimc.runtime.arrays import Array


def exact_effective(siemens: Array, row_ohm: float, column_ohm: float) -> Array:
    """The currents at the columns, [rows, columns] in siemens, for 1 V at one row and 0 V at the others.

    `siemens` are the cells, [rows, columns]; resistances are of one segment. Kirchhoff's current law
    eliminates the inner nodes, from the first row down: what lies above a row is the network of `admittances`
    between the bit lines, and the `currents` that each row drives into them if they are at ground (Kron
    reduction: F. Dörfler and F. Bullo, IEEE Transactions on Circuits and Systems I 60(1), 2013).
    """
    rows, columns = siemens.shape
    identity = np.eye(columns)
    # A word line with segments of 1 ohm, driven before the first column and open after the last.
    line = 2 * identity - np.eye(columns, k=1) - np.eye(columns, k=-1)
    line[-1, -1] = 1
    admittances: Array = np.zeros_like(identity)
    currents = np.zeros((rows, columns))
    for row, cells in enumerate(siemens):
        voltages = np.linalg.inv(line + row_ohm * np.diag(cells))  # for 1 A * row_ohm into one column
        currents[row] = cells * voltages[:, 0]
        admittances = admittances + np.diag(cells) - row_ohm * (cells[:, np.newaxis] * voltages * cells)
        through_segments: Array = np.linalg.inv(identity + column_ohm * admittances)
        admittances = admittances @ through_segments
        currents[: row + 1] = currents[: row + 1] @ through_segments
    return currents

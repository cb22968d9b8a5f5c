"""A crossbar with resistive wires, solved exactly: nodal analysis of the whole network."""

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.arrays import Array

_BATCH = 8
"""Columns solved at once: twice as fast as one by one; more need more memory and gain nothing."""


def exact_effective(siemens: Array, row_ohm: float, column_ohm: float) -> Array:
    """The currents at the columns, [rows, columns] in siemens, for 1 V at one row and 0 V at the others.

    `siemens` are the cells, [rows, columns]; resistances are of one segment. Kirchhoff's current law holds at
    every inner node; eliminating these leaves the admittances between the terminals (Kron reduction:
    F. Dörfler and F. Bullo, IEEE Transactions on Circuits and Systems I 60(1), 2013). Raises `CimcError` if
    scipy is missing.
    """
    try:
        from scipy.sparse import coo_array
        from scipy.sparse.linalg import splu
    except ImportError:
        raise CimcError("exact wires need scipy: pip install 'cimc[exact]'") from None
    rows, columns = siemens.shape
    terminals = rows + columns
    (one, other), conductances = _resistors(siemens, row_ohm, column_ohm)
    entries = np.concatenate([conductances, conductances, -conductances, -conductances])
    at = np.concatenate([one, other, one, other]), np.concatenate([one, other, other, one])
    # Cells that do not conduct stay in the pattern: without them SuperLU's ordering may fill in for minutes.
    laplacian = coo_array((entries, at)).tocsc()
    currents = -laplacian[:rows, rows:terminals].toarray()
    if laplacian.shape[0] == terminals:
        return currents
    # The matrix is symmetric and positive definite: no pivoting, and an ordering for symmetric ones.
    factors = splu(
        laplacian[terminals:, terminals:],
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    from_sources, to_sinks = laplacian[:rows, terminals:], laplacian[terminals:, rows:terminals]
    for start in range(0, columns, _BATCH):
        batch = slice(start, start + _BATCH)
        currents[:, batch] += from_sources @ factors.solve(to_sinks[:, batch].toarray())
    return currents


def _resistors(siemens: Array, row_ohm: float, column_ohm: float) -> tuple[Array, Array]:
    """All resistors: the two nodes at the ends of each, [2, resistors], and their conductances in siemens.

    Nodes are the sources of the rows, then the sense amplifiers of the columns, then the inner ones. Along a
    wire without resistance all nodes are one, its terminal.
    """
    rows, columns = siemens.shape
    terminals = np.arange(rows + columns, dtype=np.int64)
    word = np.tile(terminals[:rows], (columns + 1, 1)).T  # from the source on
    bit = np.tile(terminals[rows:], (rows + 1, 1))  # down to the sense amplifier
    inner = len(terminals) + np.arange(2 * siemens.size, dtype=np.int64).reshape(2, rows, columns)
    if row_ohm > 0:
        word[:, 1:] = inner[0]
    if column_ohm > 0:
        bit[:-1] = inner[1] if row_ohm > 0 else inner[0]
    resistors = [(word[:, 1:], bit[:-1], siemens)]
    if row_ohm > 0:
        resistors.append((word[:, :-1], word[:, 1:], np.full(siemens.shape, 1 / row_ohm)))
    if column_ohm > 0:
        resistors.append((bit[:-1], bit[1:], np.full(siemens.shape, 1 / column_ohm)))
    one_end, other_end, conductances = (
        np.concatenate([part.ravel() for part in parts]) for parts in zip(*resistors, strict=True)
    )
    return np.stack([one_end, other_end]), conductances

"""Our exact products against those of an independent simulator, from a file of golden vectors."""

import os
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import Crossbar
from cimc.runtime.encoding import Encoding, MappingName
from cimc.runtime.tile import Tile

ROWS, COLUMNS = 64, 96
"""Smaller than the matrices, so that they are cut into tiles."""

MAPPINGS: dict[str, tuple[MappingName, ...]] = {
    "W_DIFF": ("differential-column", "differential-row"),
    "W_OFFS": ("offset",),
}
SLICES = {"w4_4": (4, 1), "w8_44": (4, 2), "w8_2222": (2, 4), "w8_11111111": (1, 8), "w8_134": (4, 2)}
"""Bits and number of the digits. There is no encoding of uneven digits (1 + 3 + 4): even ones must do."""


def golden_file() -> Path:
    shared = os.environ.get("CIMC_SHARED")
    root = Path(shared) if shared else Path(__file__).parents[2] / "shared"
    return root / "peers" / "golden_mvm.npz"


@pytest.fixture(scope="module")
def golden() -> dict[str, Array]:
    path = golden_file()
    if not path.is_file():
        pytest.skip(f"there is no {path}; CIMC_SHARED names the folder that holds peers/golden_mvm.npz")
    with np.load(path) as data:
        return dict(data)


def executed(encoding: Encoding, x: Array, w: Array) -> Array:
    """The products of vectors [vectors, inputs] with [inputs, outputs], tile by tile."""
    offset = -w.min(axis=0) if encoding.mapping == "offset" else None
    cells = encoding.encode(w, offset)
    sums = np.zeros((len(x), encoding.sums(w.shape[1])), np.int32)
    rows, columns = cells.shape
    for row, column in product(range(0, rows, ROWS), range(0, columns, COLUMNS)):
        tile = Tile(0, ((row, min(row + ROWS, rows)),), ((column, min(column + COLUMNS, columns)),))
        crossbar = Crossbar(0, ROWS, COLUMNS)
        crossbar.write(tile.cells_of(cells[None]), tile)
        crossbar.mvm(x, sums, encoding)
    return sums if offset is None else sums[:, :-1] - offset * sums[:, -1:]


@pytest.mark.parametrize("slices", SLICES)
@pytest.mark.parametrize("weights", MAPPINGS)
def test_products_are_those_of_the_simulator(weights: str, slices: str, golden: dict[str, Array]) -> None:
    pattern = re.compile(rf"acs_I_(\w+)_{weights}(_\dXB)?_{slices}_digital")
    names = {name: found for name in golden if (found := pattern.fullmatch(name))}
    assert len(names) == {"W_DIFF": 5, "W_OFFS": 1}[weights]
    w = golden[f"W_{weights[2:].lower()}_{slices}"].T
    for name, found in names.items():
        x = golden[f"X{'u' if found[1] == 'UINT' else 's'}_{slices}"]
        for mapping in MAPPINGS[weights]:
            np.testing.assert_array_equal(executed(Encoding(mapping, *SLICES[slices]), x, w), golden[name])

"""Our products against those of two independent simulators, from a file of golden vectors."""

import os
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from cimc.runtime.analog.adc import Adc
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.conductances import programmed
from cimc.runtime.analog.readout import CycleByCycle, ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import Encoding, MappingName
from cimc.runtime.tile import Tile

RNG = np.random.default_rng(0)
"""Draws nothing: there is no noise."""

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
        programmed = ProgrammedTile(cells[None], tile, Analog())
        programmed.add_products(x, sums, encoding, 8, rng=RNG, counts=ReadCounts())
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


@pytest.mark.parametrize("mapping", ["differential-column", "differential-row"])
@pytest.mark.parametrize(("weight_bits", "slices"), [(5, 1), (9, 2), (9, 4)])
@pytest.mark.parametrize("adc_bits", [0, 6, 8])
def test_reads_of_an_adc_are_those_of_the_simulator(
    adc_bits: int, weight_bits: int, slices: int, mapping: MappingName, golden: dict[str, Array]
) -> None:
    expected = golden[f"cs_BALANCED_w{weight_bits}_s{slices}_adc{adc_bits}_inf"]
    w = golden[f"cs_W_{weight_bits}_{slices}"].T
    x = golden[f"cs_X_{weight_bits}_{slices}"].astype(np.uint8)
    encoding = Encoding(mapping, (weight_bits - 1) // slices, slices)
    cells = encoding.encode(w)
    tile = Tile(0, ((0, cells.shape[0]),), ((0, cells.shape[1]),))
    analog = Analog(adc=Adc(bits=adc_bits or None))
    digits = analog.digits(encoding, 8, signed=False)
    g = programmed(cells, analog.cells, encoding.cell_bits, None, RNG)
    readout = analog.readout(g, tile, encoding, digits)
    assert isinstance(readout, CycleByCycle) == (adc_bits > 0)
    counts = ReadCounts()
    found = readout.products(encoding.driven(x, tile), digits, RNG, counts)
    # The simulator computes in float32. A read that it rounded to another code would differ by a step, which
    # is more than that, so there is no such tie among these: all reads are equal.
    rounding = 2e-7 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)
    if adc_bits:
        step = 2 * ((1 << encoding.cell_bits) - 1) * len(w) / ((1 << adc_bits) - 2)
        assert step > 10 * rounding
    assert counts == ReadCounts(found.size * 8 * slices * (adc_bits > 0), 0)

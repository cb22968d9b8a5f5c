"""Products cycle by cycle through ADCs, against reads that are converted here one by one in fractions."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from runtime.encoding_cases import Encoded, Vectors, cycle_sums, meaning, tilings, vectors

from cimc.errors import CimcError
from cimc.runtime.analog.adc import Adc
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.readout import AtOnce, CycleByCycle, ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import Encoding
from cimc.runtime.tile import Tile

RNG = np.random.default_rng(0)


def converted(total: int, limit: Fraction, bits: int, symmetric: bool) -> tuple[Fraction, bool]:
    """What a sum is read as, in units, and whether it was clipped."""
    highest = 2 ** (bits - 1) - 1 if symmetric else 2**bits - 1
    lowest = -highest if symmetric else 0
    step = limit / highest
    code = round(Fraction(total) / step)
    read = min(max(code, lowest), highest) * step
    return Fraction(round(read)) if step <= 1 else read, not lowest <= code <= highest


def simulated(e: Encoded, tile: Tile, x: Vectors, adc: Adc, limit: Fraction) -> tuple[Array, int]:
    """What a tile adds to the sums [vectors, outputs (and the sum of the inputs)], and reads that clip."""
    encoding = e.encoding
    sums = np.zeros((len(x.codes), encoding.sums(e.weights.shape[1])), object)
    clips = 0
    columns = [(index, *meaning(encoding, c)) for index, c in enumerate(tile.column_numbers.tolist())]
    plus = [entry for entry in columns if entry[2] > 0]
    minus = {(output, -counts): index for index, output, counts in columns if counts < 0}
    for place, read in cycle_sums(e, tile, x):
        # A negative top digit of one bit drives rows like a positive one; what is read is taken off.
        sign = -1 if x.dac_bits == 1 and read.size and place == 1 << (x.bits - 1) and x.signed else 1
        for index, output, counts in plus:
            partner = minus.get((output, counts))
            symmetric = partner is not None or encoding.mapping == "differential-row"
            for vector in range(len(x.codes)):
                total = int(read[vector, index]) - (0 if partner is None else int(read[vector, partner]))
                assert adc.bits is not None
                value, clipped = converted(sign * total, limit, adc.bits, symmetric)
                sums[vector, output] += sign * value * place * counts
                clips += clipped
    return sums, clips


@settings(max_examples=50)
@given(st.data())
def test_reads_are_converted_shifted_and_added(data: st.DataObject) -> None:
    e, tiles = data.draw(tilings())
    x = data.draw(vectors(e))
    encoding = e.encoding
    assume(not (x.signed and x.dac_bits > 1 and not encoding.mapping.startswith("differential")))
    bits = data.draw(st.integers(2, 12))
    adc = Adc(bits, data.draw(st.sampled_from([None, 3, 40])))
    analog = Analog(adc, dac_bits=x.dac_bits)
    for tile in tiles:
        rows = tile.shape[0] // encoding.row_step
        digit = 2 ** (encoding.plane_bits if encoding.planes > 1 else x.dac_bits) - 1
        limit = Fraction(adc.range or (2**encoding.cell_bits - 1) * rows * digit)
        expected, clips = simulated(e, tile, x, adc, limit)
        found = np.zeros(expected.shape, np.int64)
        counts = ReadCounts()
        programmed = ProgrammedTile(e.cells[None], tile, analog)
        programmed.add_products(x.codes, found, encoding, x.bits, rng=RNG, counts=counts)
        # Sums of steps are rounded once, to whole units; floats may fall to either side of a half.
        halves = np.array([[abs(Fraction(v) - round(v)) for v in row] for row in expected.tolist()])
        rounded = np.array([[round(v) for v in row] for row in expected.tolist()])
        certain = halves < Fraction(1, 2) - Fraction(1, 1000)
        np.testing.assert_array_equal(found[certain], rounded[certain])
        assert np.abs(found - rounded).max(initial=0) <= 1
        cycles = encoding.cycles(-(-x.bits // x.dac_bits))
        assert counts.clipped == clips
        # Columns that are read without loss do not go through a converter.
        assert counts.converted <= len(x.codes) * cycles * encoding.readouts(tile)


def test_products_of_many_units_are_rounded_once() -> None:
    """Steps add up to a million units, where float32 is off by a tenth of a unit."""
    rng = np.random.default_rng(1)
    encoding = Encoding("differential-column", 4, 2)
    weights = rng.integers(-127, 128, (255, 4))
    x = rng.integers(0, 256, (1000, 255), np.uint8)
    tile = Tile(0, ((0, 255),), ((0, 16),))
    found = np.zeros((1000, 4), np.int32)
    programmed = ProgrammedTile(encoding.encode(weights)[None], tile, Analog(Adc(7)))
    programmed.add_products(x, found, encoding, 8, rng=RNG, counts=ReadCounts())
    limit, highest = 15 * 255, 63
    codes = np.zeros((1000, 4), np.int64)
    for bit, digit in product(range(8), range(2)):
        weight_digits = np.sign(weights) * (np.abs(weights) >> 4 * digit & 15)
        sums = (x >> bit & 1).astype(np.int64) @ weight_digits
        # No quotient of these whole numbers is so near to a half that a float could not tell.
        codes += np.rint(sums * highest / limit).astype(np.int64) << (bit + 4 * digit)
    expected = [[round(Fraction(int(code) * limit, highest)) for code in row] for row in codes]
    np.testing.assert_array_equal(found, expected)


@given(st.data())
def test_an_adc_finer_than_a_unit_loses_nothing(data: st.DataObject) -> None:
    e, tiles = data.draw(tilings())
    x = data.draw(vectors(e))
    tile = tiles[0]
    for adc in (Adc(), Adc(16)):
        analog = Analog(adc, dac_bits=x.dac_bits)
        digits = analog.digits(e.encoding, x.bits, x.signed)
        assume(not digits.drives_both_ways or e.encoding.mapping.startswith("differential"))
        programmed = ProgrammedTile(e.cells[None], tile, analog)
        sums = np.zeros((len(x.codes), e.encoding.sums(e.weights.shape[1])), np.int64)
        programmed.add_products(x.codes, sums, e.encoding, x.bits, rng=RNG, counts=ReadCounts())
        total = np.zeros_like(sums)
        for place, read in cycle_sums(e, tile, x):
            for index, column in enumerate(tile.column_numbers.tolist()):
                output, counts = meaning(e.encoding, column)
                total[:, output] += place * counts * read[:, index]
        np.testing.assert_array_equal(sums, total)


def readout_type(adc: Adc, cells: Cells, mapping: str) -> type[object]:
    encoding = Encoding("offset" if mapping == "offset" else "differential-column", 4, 1)
    tile = Tile(0, ((0, 8),), ((0, 4),))
    analog = Analog(adc, cells)
    programmed = ProgrammedTile(np.tile(np.array([1, 0], np.uint8), (1, 8, 2)), tile, analog)
    return type(programmed.reading(encoding, 8, signed=False).readout)


def test_the_exact_path_is_taken_where_it_is_equal() -> None:
    # 8 rows of 4-bit cells: sums up to 120, so 8 bits (127 codes of each sign) are enough.
    assert readout_type(Adc(8), Cells(), "differential-column") is AtOnce
    assert readout_type(Adc(7), Cells(), "differential-column") is CycleByCycle
    assert readout_type(Adc(7), Cells(), "offset") is AtOnce
    assert readout_type(Adc(8, range=7), Cells(), "differential-column") is CycleByCycle
    assert readout_type(Adc(8), Cells(read_noise=0.1), "differential-column") is CycleByCycle
    assert readout_type(Adc(8), Cells(on_off_ratio=9.5), "differential-column") is AtOnce
    assert readout_type(Adc(8), Cells(on_off_ratio=9.5), "offset") is CycleByCycle


def test_single_columns_do_not_read_inputs_of_both_signs() -> None:
    tile = Tile(0, ((0, 2),), ((0, 2),))
    programmed = ProgrammedTile(np.ones((1, 2, 2), np.uint8), tile, Analog(Adc(4), dac_bits=2))
    sums = np.zeros((1, 2), np.int32)
    with pytest.raises(CimcError, match="take a differential mapping, or dac_bits = 1"):
        programmed.add_products(
            np.ones((1, 2), np.int8), sums, Encoding("offset", 4, 1), 4, rng=RNG, counts=ReadCounts()
        )

"""Converters against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.runtime.analog.adc import MAX_BITS, MIN_BITS, Adc
from cimc.runtime.products import StoredMatrix


@given(st.integers(MIN_BITS, MAX_BITS), st.integers(1, 4095), st.booleans())
def test_whole_sums_get_the_codes_of_exact_arithmetic(bits: int, limit: int, symmetric: bool) -> None:
    converter = Adc(bits).converter(limit, symmetric=symmetric)
    assert converter.highest - converter.lowest + 1 == 2**bits - symmetric
    sums = np.arange(-limit - 2 if symmetric else -2, limit + 3)
    # Python rounds halves to even, as an ADC does here.
    exact = [round(Fraction(int(s) * converter.highest, limit)) for s in sums]
    codes = np.clip(exact, converter.lowest, converter.highest)
    dtype = np.float32 if limit * converter.highest < 1 << 23 else np.float64
    scaled = sums.astype(dtype) * dtype(converter.highest)
    clipped = converter.convert(scaled)
    assert clipped == np.count_nonzero(codes != exact)
    if converter.whole_units:
        inside = np.clip(sums, -limit if symmetric else 0, limit)
        np.testing.assert_array_equal(scaled, inside)
        assert converter.unit == 1
    else:
        np.testing.assert_array_equal(scaled, codes)
        assert converter.unit == converter.step == limit / converter.highest


def test_a_sum_just_below_a_half() -> None:
    """3073 of 4097 units are 3071.49988 steps, which float32 rounds to 3071.5, and that to 3072."""
    converter = Adc(12).converter(4097, symmetric=False)
    scaled = StoredMatrix(np.ones((1, 1), np.int8)).times(np.array([[3073]]), 4097, converter.highest)
    converter.convert(scaled)
    assert scaled.tolist() == [[3071]]


def test_the_full_range_of_a_pair_of_columns() -> None:
    converter = Adc(8).converter(15 * 256, symmetric=True)
    assert converter.step == 2 * 15 * 256 / (2**8 - 2)
    assert (converter.lowest, converter.highest) == (-127, 127)


@pytest.mark.parametrize("bits", [1, 17, 8.0, True, "8"])
def test_bits_that_no_adc_has(bits: int) -> None:
    with pytest.raises(CimcError, match="adc: bits must be a whole number from 2 to 16, got"):
        Adc(bits)


@pytest.mark.parametrize("limit", [0, -1.0, float("inf"), float("nan"), "full", 10**400])
def test_ranges_that_no_adc_has(limit: float) -> None:
    with pytest.raises(CimcError, match="adc: range must be a number of units above 0, got"):
        Adc(8, limit)

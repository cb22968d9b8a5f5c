"""Digits of codes: what they count sums up to the codes again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.analog.digits import InputDigits

TYPES: dict[bool, tuple[type[np.generic], ...]] = {True: (np.int8, np.int16), False: (np.uint8, np.uint16)}


@given(st.data())
def test_digits_make_the_code(data: st.DataObject) -> None:
    signed = data.draw(st.booleans())
    dtype = data.draw(st.sampled_from(TYPES[signed]))
    width = data.draw(st.integers(1, 8 * np.dtype(dtype).itemsize))
    bits = data.draw(st.integers(1, 16))
    low = -(1 << (width - 1)) if signed else 0
    codes = np.array([[data.draw(st.integers(low, low + (1 << width) - 1)) for _ in range(3)]], dtype)
    digits = InputDigits(bits, bits, -(-width // bits), signed, 1 << width)
    driven = digits.of(codes).astype(np.int64)
    np.testing.assert_array_equal((driven * digits.places[:, None, None]).sum(axis=0), codes)
    assert np.abs(driven).max() <= digits.largest
    squares = np.square(driven * digits.places[:, None, None]).sum(axis=0)
    np.testing.assert_array_equal(digits.squares(codes), squares.astype(np.float32))

"""Products of integers, also at the border of what floats hold exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime import products
from cimc.runtime.products import StoredMatrix, exact_product, multiplier


@given(st.integers(1, 15), st.integers(1, 15), st.integers(1, 80), st.integers(0, 1 << 32))
def test_products_are_exact(x_bits: int, w_bits: int, inputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-(1 << x_bits), 1 << x_bits, (3, inputs), endpoint=True)
    w = rng.integers(-(1 << w_bits), 1 << w_bits, (inputs, 2), endpoint=True)
    np.testing.assert_array_equal(exact_product(x, w).astype(np.int64), x @ w)


@pytest.mark.parametrize("inputs", [255, 256, 257, 258, 259])
def test_products_are_exact_around_24_bits(inputs: int) -> None:
    x = np.full((1, inputs), 255, np.uint8)
    w = np.full((inputs, 1), 257, np.int32)
    x[0, 0], w[0, 0] = 1, 1
    expected = 1 + (inputs - 1) * 255 * 257
    assert int(exact_product(x, w)[0, 0]) == expected
    assert int(StoredMatrix(w).times(x, 255)[0, 0]) == expected


def nothing(w_type: str) -> None:
    """No multiplier, as where onnxruntime is not installed."""


LIMITS = {
    "uint8": (0, 255),
    "int8": (-128, 127),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "int32": (-(1 << 20), 1 << 20),
    "int64": (-(1 << 20), 1 << 20),
}


@given(
    st.sampled_from(["uint8", "int8", "int16", "int64"]),
    st.sampled_from(["int8", "uint8", "int16", "int32"]),
    st.integers(1, 300),
    st.sampled_from([1, 7, 127, 4095]),
    st.booleans(),
    st.integers(0, 1 << 32),
)
def test_a_stored_matrix_gives_exact_products_in_every_way(
    x_type: str, w_type: str, inputs: int, scale: int, extreme: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, w = (
        rng.choice(LIMITS[name], size) if extreme else rng.integers(*LIMITS[name], size, endpoint=True)
        for name, size in ((x_type, (3, inputs)), (w_type, (inputs, 5)))
    )
    x, w = x.astype(x_type), w.astype(w_type)
    expected = (x.astype(np.int64) @ w.astype(np.int64)) * scale
    largest = int(np.abs(x.astype(np.int64)).max())
    found = StoredMatrix(w).times(x, largest, scale)
    np.testing.assert_array_equal(found.astype(np.int64), expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "multiplier", nothing)
        plain = StoredMatrix(w).times(x, largest, scale)
    np.testing.assert_array_equal(plain.astype(np.int64), expected)


def test_the_multiplier_is_installed_for_tests() -> None:
    assert multiplier("int8") is not None


def test_floats_are_multiplied_as_float32() -> None:
    w = np.array([[0.5], [0.25]], np.float32)
    found = StoredMatrix(w).times(np.array([[3, 4]], np.uint8), 4, 10)
    assert found.dtype == np.float32
    assert found.tolist() == [[25.0]]

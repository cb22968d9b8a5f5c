"""The crossbar's limits, and products at the border of what floats hold exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.runtime.crossbar import Crossbar, exact_product
from cimc.runtime.encoding import Encoding
from cimc.runtime.tile import Tile


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
    product = int(exact_product(x, w)[0, 0])
    assert product == 1 + (inputs - 1) * 255 * 257


def test_a_tile_must_fit() -> None:
    crossbar = Crossbar(3, 4, 6)
    with pytest.raises(CimcError, match="5x6 cells does not fit crossbar 3 of 4x6"):
        crossbar.write(np.zeros((5, 6), np.uint8), Tile(0, ((0, 5),), ((0, 6),)))


def test_nothing_is_read_before_it_is_written() -> None:
    sums = np.zeros((1, 1), np.int32)
    with pytest.raises(CimcError, match="before anything is written"):
        Crossbar(0, 4, 4).mvm(np.ones((1, 4), np.uint8), sums, Encoding("offset", 4, 1))

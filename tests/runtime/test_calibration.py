"""How ranges are chosen from values that were seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.arrays import Array
from cimc.runtime.calibration import METHODS, SAMPLES, Method, Observer
from cimc.runtime.quantization import Quantizer


def observed(*arrays: Array) -> Observer:
    observer = Observer()
    for array in arrays:
        observer.see(array)
    return observer


def squared_error(values: Array, quantizer: Quantizer) -> float:
    back = quantizer.quantize(values).astype(np.float64) * quantizer.scale
    return float(np.sum((back - values) ** 2))


@st.composite
def arrays(draw: st.DrawFn) -> list[Array]:
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    scale = 10.0 ** draw(st.integers(-6, 6))
    shapes = draw(st.lists(st.lists(st.integers(1, 9), max_size=3), min_size=1, max_size=3))
    return [(rng.standard_normal(shape) * scale).astype(np.float32) for shape in shapes]


@given(arrays(), st.integers(2, 8), st.booleans(), st.booleans())
def test_minmax_keeps_every_value(seen: list[Array], bits: int, signed: bool, narrow: bool) -> None:
    seen = seen if signed else [np.abs(array) for array in seen]
    quantizer = observed(*seen).quantizer(bits, signed=signed, narrow=narrow, method="minmax")
    assert (quantizer.bits, quantizer.signed, quantizer.narrow) == (bits, signed, narrow)
    assert quantizer.zero_point == 0
    for array in seen:
        back = quantizer.quantize(array) * np.float64(quantizer.scale)
        assert np.abs(back - array).max() <= quantizer.scale * (0.5 + 1e-4)


@given(arrays(), st.integers(2, 8), st.booleans())
def test_mse_is_at_least_as_good_as_minmax(seen: list[Array], bits: int, signed: bool) -> None:
    observer = observed(*seen)
    values = np.concatenate([array.reshape(-1) for array in seen])
    best, plain = (observer.quantizer(bits, signed=signed, narrow=False, method=m) for m in METHODS[::2])
    assert squared_error(values, best) <= squared_error(values, plain) * (1 + 1e-4)


def test_mse_clips_an_outlier() -> None:
    values = np.concatenate([np.linspace(-1, 1, 999), [8]]).astype(np.float32)
    observer = observed(values)
    best, plain = (observer.quantizer(4, signed=True, narrow=False, method=m) for m in ("mse", "minmax"))
    assert plain.scale == pytest.approx(8 / 7)
    assert squared_error(values, best) < squared_error(values, plain)


def test_percentile_leaves_out_a_thousandth() -> None:
    values = np.arange(10001, dtype=np.float32)
    quantizer = observed(values).quantizer(8, signed=False, narrow=False, method="percentile")
    assert quantizer.scale == pytest.approx(9990 / 255)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signed", [True, False])
def test_zeros_have_a_scale(method: Method, signed: bool) -> None:
    zeros = observed(np.zeros((2, 3), np.float32))
    for observer in (zeros, observed()):
        quantizer = observer.quantizer(4, signed=signed, narrow=False, method=method)
        assert quantizer == Quantizer(1.0, 0, 4, signed)


@pytest.mark.parametrize("method", METHODS)
def test_an_unsigned_range_of_negative_values_is_that_of_zero(method: Method) -> None:
    quantizer = observed(np.array([-3, -1], np.float32)).quantizer(
        4, signed=False, narrow=False, method=method
    )
    assert not quantizer.quantize(np.array([-3, -1], np.float32)).any()


def test_the_range_is_exact_where_samples_are_not_all_kept() -> None:
    values = np.zeros(1 << 20, np.float32)
    values[12345], values[54321] = 7, -9
    observer = observed(values, *[np.ones(SAMPLES, np.float32)] * 12)
    assert (observer.low, observer.high) == (-9, 7)
    assert sum(map(len, observer.samples)) <= SAMPLES + (1 << 14)
    assert observer.quantizer(8, signed=True, narrow=True, method="minmax").scale == pytest.approx(9 / 127)

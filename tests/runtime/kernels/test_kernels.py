"""What the standard test cases leave open."""

import math
import subprocess
import sys

import numpy as np
import pytest

from cimc.runtime.kernels import KERNELS
from cimc.runtime.kernels.geometry import output_size, resolve_pads


def test_erf_is_accurate_in_both_types() -> None:
    x = np.concatenate((np.linspace(-7, 7, 20001), np.logspace(-30, 0, 301)))
    expected = np.array([math.erf(value) for value in x])
    (double,) = KERNELS["Erf"](x)
    (single,) = KERNELS["Erf"](x.astype(np.float32))
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, expected, 1e-15)
    assert single.dtype == np.float32
    of_single = np.array([math.erf(value) for value in x.astype(np.float32)])
    np.testing.assert_allclose(single, of_single, 1e-7)


def test_division_truncates_towards_zero() -> None:
    a = np.array([7, -7, 7, -7, -(2**31), 2**31 - 1], np.int32)
    b = np.array([2, 2, -2, -2, 3, -3], np.int32)
    assert KERNELS["Div"](a, b)[0].tolist() == [3, -3, -3, 3, -715827882, -715827882]


def test_integer_power_of_a_negative_exponent() -> None:
    (y,) = KERNELS["Pow"](np.array([1, 2, -1], np.int64), np.array([-1, -1, -3], np.int64))
    assert y.dtype == np.int64
    assert y.tolist() == [1, 0, -1]


def test_negative_pads_crop() -> None:
    (y,) = KERNELS["Pad"](np.arange(5.0), np.array([-1, 2]), mode="reflect")
    assert y.tolist() == [1, 2, 3, 4, 3, 2]


@pytest.mark.parametrize("op_type", ["Sigmoid", "Gelu", "Softmax", "HardSwish", "Exp", "ReduceMean"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_element_type_is_preserved(op_type: str, dtype: type[np.floating]) -> None:
    (y,) = KERNELS[op_type](np.linspace(-3, 3, 7).astype(dtype))
    assert y.dtype == dtype


def test_scalars_stay_arrays() -> None:
    scalar = np.asarray(2.0, np.float32)
    for op_type in ("Add", "Mul", "Max", "Pow", "PRelu"):
        assert type(KERNELS[op_type](scalar, scalar)[0]) is np.ndarray
    for op_type in ("Exp", "Relu", "Erf", "Clip", "ReduceSum"):
        assert type(KERNELS[op_type](scalar)[0]) is np.ndarray


@pytest.mark.parametrize(
    ("mode", "signed", "narrow", "expected"),
    [
        ("ROUND", 1, 0, [-4, -2, -2, 0, 2, 3]),
        ("ROUND", 1, 1, [-3, -2, -2, 0, 2, 3]),
        ("ROUND", 0, 0, [0, 0, 0, 0, 2, 7]),
        ("ROUND", 0, 1, [0, 0, 0, 0, 2, 6]),
        ("CEIL", 1, 0, [-4, -2, -1, 1, 3, 3]),
        ("FLOOR", 1, 0, [-4, -3, -2, 0, 2, 3]),
        ("round_to_zero", 1, 0, [-4, -2, -1, 0, 2, 3]),
    ],
)
def test_quant(mode: str, signed: int, narrow: int, expected: list[int]) -> None:
    x = np.array([-50, -2.5, -1.75, 0.5, 2.5, 50], np.float32)
    half, zero, bits = (np.asarray(value, np.float32) for value in (0.5, 0, 3))
    (y,) = KERNELS["Quant"](x / 2, half, zero, bits, signed=signed, narrow=narrow, rounding_mode=mode)
    assert y.dtype == np.float32
    assert (y * 2).tolist() == expected


def test_quant_with_zero_points_per_channel() -> None:
    x = np.array([[-1, 0, 1], [-1, 0, 1]], np.float32)
    scale = np.array([[0.5], [0.25]], np.float32)
    zero = np.array([[0], [3]], np.float32)
    (y,) = KERNELS["Quant"](x, scale, zero, np.asarray(3, np.float32), signed=0)
    assert y.tolist() == [[0, 0, 1], [-0.75, 0, 1]]


def test_quant_refuses_what_is_bipolar() -> None:
    one = np.asarray(1, np.float32)
    with pytest.raises(ValueError, match="BipolarQuant"):
        KERNELS["Quant"](one, one, one, one)


def test_average_over_the_part_of_a_window_inside_the_padding() -> None:
    x = np.ones((1, 1, 4), np.float32)
    (y,) = KERNELS["AveragePool"](
        x, kernel_shape=[3], strides=[2], pads=[1, 0], ceil_mode=1, count_include_pad=1
    )
    np.testing.assert_allclose(y[0, 0], [2 / 3, 1])
    (y,) = KERNELS["AveragePool"](
        x, kernel_shape=[3], strides=[2], pads=[0, 0], ceil_mode=1, count_include_pad=1
    )
    np.testing.assert_allclose(y[0, 0], [1, 1])


def test_convolution_of_a_batch_that_is_unfolded_in_parts() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (3, 64, 50, 50)).astype(np.float32)
    w = rng.integers(-4, 5, (2, 64, 3, 3)).astype(np.float32)
    (y,) = KERNELS["Conv"](x, w, pads=[1, 1, 1, 1])
    alone = [KERNELS["Conv"](sample[None], w, pads=[1, 1, 1, 1])[0] for sample in x]
    np.testing.assert_array_equal(y, np.concatenate(alone))


def test_lrn_divides_alpha_by_the_size_of_the_window() -> None:
    (y,) = KERNELS["LRN"](np.full((1, 4, 1), 2.0, np.float32), size=3, alpha=3.0, beta=0.5)
    np.testing.assert_allclose(y[0, :, 0], 2 / np.sqrt([9, 13, 13, 9]), 1e-6)


def test_uneven_padding_goes_to_the_named_side() -> None:
    assert resolve_pads("SAME_UPPER", 4, 2, 1, 1, (0, 0)) == (0, 1)
    assert resolve_pads("SAME_LOWER", 4, 2, 1, 1, (0, 0)) == (1, 0)


def test_a_window_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        output_size(2, 3, 1, 1, (0, 0))


def test_kernels_import_nothing_heavy() -> None:
    heavy = "{'onnx', 'xdsl', 'ml_dtypes', 'onnxruntime', 'scipy'}"
    code = f"import sys, cimc.runtime.kernels; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

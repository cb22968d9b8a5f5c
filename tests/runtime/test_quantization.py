"""Quantisers against onnxruntime, and weights against plain arithmetic."""

from functools import cache
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from cimc.runtime.arrays import Array
from cimc.runtime.quantization import (
    Quantizer,
    code_dtype,
    dequantize,
    quantize_weights,
    weight_codes,
    weight_scales,
)


@cache
def quantize_linear(dtype: str) -> Any:
    """A session with one QuantizeLinear: x, scale and zero point to codes."""
    type_ = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [None]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
        helper.make_tensor_value_info("zero", type_, []),
    ]
    node = helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", type_, [None])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    runtime: Any = onnxruntime
    return runtime.InferenceSession(model.SerializeToString())


@st.composite
def quantizers(draw: st.DrawFn, largest: int = 16) -> Quantizer:
    bits, signed = draw(st.integers(2, largest)), draw(st.booleans())
    unit = Quantizer(1.0, 0, bits, signed, signed and draw(st.booleans()))
    scale = float(np.float32(draw(st.floats(1e-6, 1e6))))
    return Quantizer(scale, draw(st.integers(unit.low, unit.high)), bits, signed, unit.narrow)


@st.composite
def values_for(draw: st.DrawFn, q: Quantizer) -> Array:
    """Floats in range and out of it, on codes and on the borders between two."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    near = rng.integers(q.low - q.zero_point - 3, q.high - q.zero_point + 4, 20)
    parts = [near * q.scale, (near + 0.5) * q.scale, rng.standard_normal(20) * q.scale * 300]
    return np.concatenate([*parts, [0.0, -0.0, 3e38, -3e38]]).astype(np.float32)


@given(st.data())
def test_codes_are_those_of_onnxruntime(data: st.DataObject) -> None:
    q = data.draw(quantizers())
    x = data.draw(values_for(q))
    dtype = code_dtype(q.bits, q.signed)
    feed = {"x": x, "scale": np.array(q.scale, np.float32), "zero": np.array(q.zero_point, dtype)}
    (expected,) = quantize_linear(dtype.name).run(None, feed)
    codes = q.quantize(x)
    assert codes.dtype == dtype
    np.testing.assert_array_equal(codes, np.clip(expected, q.low, q.high))


def test_ranges() -> None:
    assert [(q.low, q.high) for q in (Quantizer(1, 0, 4, True), Quantizer(1, 0, 4, False))] == [
        (-8, 7),
        (0, 15),
    ]
    assert Quantizer(1, 0, 4, True, narrow=True).low == -7
    assert Quantizer(1, 0, 2, True, narrow=True).low == -1


@given(quantizers(8), st.integers(2, 8))
def test_another_width_covers_the_same_range(q: Quantizer, bits: int) -> None:
    other = q.with_bits(bits)
    assert (other.bits, other.signed, other.narrow) == (bits, q.signed, q.narrow)
    if bits == q.bits:
        assert other == q
        return
    assert other.low <= other.zero_point <= other.high
    for code, own in ((other.low, q.low), (other.high, q.high)):
        end, own_end = (code - other.zero_point) * other.scale, (own - q.zero_point) * q.scale
        # The zero point is whole: it may move the range by half a step.
        assert abs(end - own_end) <= other.scale * (0.5 + 1e-6)


@given(st.integers(2, 8), st.booleans())
def test_a_symmetric_quantiser_stays_symmetric(bits: int, narrow: bool) -> None:
    other = Quantizer(0.25, 0, 8, True, narrow=True).with_bits(bits)
    assert other.zero_point == 0
    assert other.low == -other.high
    assert other.high * other.scale == pytest.approx(127 * 0.25)


@st.composite
def weight_arrays(draw: st.DrawFn) -> tuple[Array, int]:
    """Weights and the axis of their channels; some channels are zero."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    weights = np.moveaxis(rng.standard_normal(shape).astype(np.float32), axis, 0)
    weights[draw(st.lists(st.integers(0, shape[axis] - 1), max_size=2))] = 0
    return np.moveaxis(weights, 0, axis), axis


@given(weight_arrays(), st.integers(2, 8))
def test_weights_by_channel(drawn: tuple[Array, int], bits: int) -> None:
    weights, axis = drawn
    scales = weight_scales(weights, bits, axis)
    codes = quantize_weights(weights, scales, bits, axis)
    largest = (1 << (bits - 1)) - 1
    assert codes.dtype == np.int8
    assert codes.shape == weights.shape
    for channel in range(weights.shape[axis]):
        part, own = weights.take(channel, axis), codes.take(channel, axis)
        if not part.any():
            assert scales[channel] == 1
            assert not own.any()
            continue
        assert int(np.abs(own).max()) == largest
        assert np.abs(own * scales[channel] - part).max() <= scales[channel] * (0.5 + 1e-5)


@given(weight_arrays(), st.integers(2, 8))
def test_weights_with_one_scale(drawn: tuple[Array, int], bits: int) -> None:
    weights, axis = drawn
    scales = weight_scales(weights, bits, None)
    assert scales.shape == (1,)
    codes = quantize_weights(weights, scales, bits, axis)
    assert np.abs(codes * scales - weights).max() <= scales[0] * (0.5 + 1e-5)


@given(weight_arrays(), st.integers(2, 8), st.integers(2, 8))
def test_codes_that_fit_are_kept(drawn: tuple[Array, int], bits: int, narrower: int) -> None:
    weights, axis = drawn
    scales = weight_scales(weights, bits, axis)
    codes = quantize_weights(weights, scales, bits, axis)
    kept, kept_scales = weight_codes(codes, scales, max(bits, narrower), axis)
    assert kept is codes
    assert kept_scales is scales
    fresh, fresh_scales = weight_codes(codes, scales, narrower, axis)
    assert np.abs(fresh).max() < 1 << narrower
    along = [-1 if i == axis else 1 for i in range(codes.ndim)]
    error = np.abs(fresh * fresh_scales.reshape(along) - codes * scales.reshape(along))
    assert np.all(error <= fresh_scales.reshape(along) * (0.5 + 1e-5))


@pytest.mark.parametrize(
    ("codes", "bits", "kept"),
    [
        ([[-128, 127]], 8, True),
        ([[-1, 255], [0, 1]], 8, False),  # spans 256 steps
        ([[0, 255]], 8, True),
        ([[-255, 0], [0, 255]], 8, True),  # each of another zero point
        ([[-8, 7]], 4, True),
        ([[-8, 8]], 4, False),
    ],
)
def test_codes_of_any_zero_point_are_kept_if_they_span_the_width(
    codes: list[list[int]], bits: int, kept: bool
) -> None:
    array = np.array(codes, np.int16)
    found, _ = weight_codes(array, np.ones(1), bits, 0)
    assert (found is array) == kept


def test_dequantize_computes_in_float64() -> None:
    sums = np.array([[1 << 25, (1 << 25) + 1]], np.int32)
    y = dequantize(sums, np.array([2.0**-1, 1.0]), np.array([[1, 1 << 25]]), np.array([0.25, -1.0]), 1)
    np.testing.assert_array_equal(y, np.array([[(2**25 - 1) / 2 + 0.25, 0.0]], np.float32))
    assert y.dtype == np.float32

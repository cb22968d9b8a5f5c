"""The kernels against onnxruntime on random shapes and attributes.

The data are small integers, whose sums and products are exact in float32 in whatever order, so
that results can be compared for equality.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ValueInfoProto, helper

from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS

OPSET = 22
untyped = cast(Any, onnxruntime)
AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")

modest = settings(max_examples=25, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Windows:
    """Random spatial axes into which at least one window fits."""

    sizes: tuple[int, ...]
    attributes: dict[str, Any]


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    rank = draw(st.integers(1, 3))

    def each(least: int, most: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=rank, max_size=rank))

    auto_pad = draw(st.sampled_from(AUTO_PADS))
    kernel, strides, extra = each(1, 3), each(1, 3), each(0, 5)
    dilations = each(1, 2)
    if auto_pad.startswith("SAME"):
        # onnxruntime refuses a dilated Conv with SAME padding, its pooling pads as if the window
        # were dense, and where the stride exceeds the kernel it pools with negative padding.
        dilations = [1] * rank
        strides = [min(s, k) for s, k in zip(strides, kernel, strict=True)]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "auto_pad": auto_pad,
    }
    if auto_pad == "NOTSET":
        # onnxruntime does not pool with pads as wide as the kernel.
        attributes["pads"] = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    sizes = tuple(span + more for span, more in zip(spans, extra, strict=True))
    return Windows(sizes, attributes)


def integers(seed: int, shape: Sequence[int]) -> Array:
    return np.random.default_rng(seed).integers(-8, 9, tuple(shape)).astype(np.float32)


def onnxruntime_results(
    op_type: str, inputs: Sequence[Array], attributes: dict[str, Any], num_results: int = 1
) -> list[Array]:
    names = [f"x{index}" for index in range(len(inputs))]
    results = [f"y{index}" for index in range(num_results)]
    graph = helper.make_graph(
        [helper.make_node(op_type, names, results, **attributes)],
        op_type,
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(names, inputs, strict=True)
        ],
        [ValueInfoProto(name=name) for name in results],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    options = untyped.SessionOptions()
    options.graph_optimization_level = untyped.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = untyped.InferenceSession(model.SerializeToString(), options)
    return session.run(None, dict(zip(names, inputs, strict=True)))


def check(op_type: str, inputs: Sequence[Array], attributes: dict[str, Any], *, rtol: float = 0) -> None:
    (expected,) = onnxruntime_results(op_type, inputs, attributes)
    (result,) = KERNELS[op_type](*inputs, **attributes)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol)


@modest
@given(windows(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.booleans(), st.integers())
def test_conv(spatial: Windows, group: int, channels: int, multiplier: int, bias: bool, seed: int) -> None:
    outputs = group * multiplier
    kernel = spatial.attributes["kernel_shape"]
    inputs = [
        integers(abs(seed), (2, group * channels, *spatial.sizes)),
        integers(abs(seed) + 1, (outputs, channels, *kernel)),
    ]
    if bias:
        inputs.append(integers(abs(seed) + 2, (outputs,)))
    check("Conv", inputs, {**spatial.attributes, "group": group})


@modest
@given(windows(), st.booleans(), st.integers(0, 1), st.integers(0))
def test_max_pool(spatial: Windows, ceil_mode: bool, storage_order: int, seed: int) -> None:
    x = integers(seed, (2, 3, *spatial.sizes))
    attributes = {
        **spatial.attributes,
        "ceil_mode": int(ceil_mode),
        "storage_order": storage_order,
    }
    expected = onnxruntime_results("MaxPool", [x], attributes, num_results=2)
    results = KERNELS["MaxPool"](x, **attributes, num_results=2)
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype
        np.testing.assert_array_equal(result, wanted)


@modest
@given(windows(), st.booleans(), st.booleans(), st.integers(0))
def test_average_pool(spatial: Windows, ceil_mode: bool, count_include_pad: bool, seed: int) -> None:
    attributes = {
        **spatial.attributes,
        "ceil_mode": int(ceil_mode),
        "count_include_pad": int(count_include_pad),
    }
    check("AveragePool", [integers(seed, (2, 3, *spatial.sizes))], attributes, rtol=1e-6)


@st.composite
def factors(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes that MatMul accepts: vectors, matrices, and stacks that broadcast."""
    rows, inner, columns = (draw(st.integers(1, 5)) for _ in range(3))
    left = (inner,) if draw(st.booleans()) else (rows, inner)
    right = (inner,) if draw(st.booleans()) else (inner, columns)
    stack = draw(st.lists(st.integers(1, 3), max_size=2))
    if len(left) == 2:
        left = (*(draw(st.sampled_from([1, size])) for size in stack), *left)
    if len(right) == 2:
        right = (*(draw(st.sampled_from([1, size])) for size in stack), *right)
    return left, right


@modest
@given(factors(), st.integers(0))
def test_matmul(shapes: tuple[tuple[int, ...], tuple[int, ...]], seed: int) -> None:
    check("MatMul", [integers(seed, shapes[0]), integers(seed + 1, shapes[1])], {})


@modest
@given(
    st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20),
    st.floats(0.015625, 8, width=32),
    st.sampled_from([np.uint8, np.int8, np.uint16, np.int16]),
    st.integers(-100, 100),
)
def test_quantize_linear(
    values: list[float], scale: float, dtype: type[np.integer[Any]], zero_point: int
) -> None:
    point = np.clip(zero_point, np.iinfo(dtype).min, None).astype(dtype)
    inputs = [np.asarray(values, np.float32), np.asarray(scale, np.float32), np.asarray(point)]
    check("QuantizeLinear", inputs, {})
    codes = KERNELS["QuantizeLinear"](*inputs)[0]
    check("DequantizeLinear", [codes, *inputs[1:]], {})

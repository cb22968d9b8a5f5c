"""The torch operators against the standard cases and the numpy kernels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from backend_suite import Case, NodeRun, node_runs, single_node_cases
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch_operators import data, modest, run, seeds, shapes, tensors

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.rl.network.operators import OPERATORS
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS

LEFT_OUT = {"ConstantOfShape", "Shape"}
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}
# The position of nonpad_kv_seqlen among the inputs of Attention.
NONPAD = 6
# Operators whose first input need not be floats.
STEERED = ("Cast", "DequantizeLinear", "Equal", "Not", "Where")
# Words in the names of cases that need what is left out.
UNSUPPORTED = ("training", "with_argmax", "max_empty_set")


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    return single_node_cases(OPERATORS)


def _is_float(case: NodeRun) -> bool:
    """Whether the data are float32; integers and conditions may steer."""
    inputs = [array for array in case.inputs if array is not None]
    if any(
        array.dtype.isbuiltin != 1 or array.dtype.kind not in "fiub"
        for array in (*inputs, *case.expected.values())
    ):
        return False
    if case.op_type == "Attention" and len(case.inputs) > NONPAD:
        return False
    return case.op_type in STEERED or inputs[0].dtype == np.float32


@pytest.mark.parametrize("op_type", sorted(OPERATORS.keys() - WITHOUT_CASES))
def test_standard_cases(op_type: str, cases: dict[str, list[Case]], subtests: pytest.Subtests) -> None:
    count = 0
    for case in cases[op_type]:
        if any(word in case.name for word in UNSUPPORTED):
            continue
        for execution in filter(_is_float, node_runs(case)):
            count += 1
            with subtests.test(case.name):
                _check(execution, case)
    assert count


def _check(execution: NodeRun, case: Case) -> None:
    attributes = dict(execution.attributes)
    if execution.op_type in NEEDS_NUM_RESULTS:
        attributes["num_results"] = execution.num_results
    results = run(execution.op_type, tensors(execution.inputs), **attributes)
    for index, expected in execution.expected.items():
        # Of some operators only the first results are there.
        if index < len(results):
            assert tuple(results[index].shape) == expected.shape
            np.testing.assert_allclose(results[index].numpy(), expected, case.rtol, case.atol)


def test_all_operators_are_there_but_those_on_shapes() -> None:
    assert OPS_BY_TYPE.keys() - OPERATORS.keys() == LEFT_OUT
    assert OPERATORS.keys() <= OPS_BY_TYPE.keys()


def agree(op_type: str, inputs: Sequence[Array | None], **attributes: Any) -> None:
    """Check an operator against the kernel, to the last bits of a mean."""
    expected = KERNELS[op_type](*inputs, **attributes)
    results = run(op_type, tensors(inputs), **attributes)
    for result, wanted in zip(results, expected, strict=True):
        assert tuple(result.shape) == wanted.shape
        np.testing.assert_allclose(result.numpy(), wanted, 1e-6, 1e-6)


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[int], dict[str, Any]]:
    """The sizes of spatial axes, and attributes of which at least one window fits."""
    rank = draw(st.integers(1, 3))

    def each(least: int, most: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=rank, max_size=rank))

    kernel, dilations = each(1, 3), draw(st.sampled_from([[1] * rank, [1, 2, 2][:rank]]))
    sizes = [(k - 1) * d + 1 + more for k, d, more in zip(kernel, dilations, each(0, 5), strict=True)]
    auto_pad = draw(st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": each(1, 3),
        "dilations": dilations,
        "auto_pad": auto_pad,
    }
    if auto_pad == "NOTSET":
        attributes["pads"] = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    return sizes, attributes


@modest
@given(windows(), st.booleans(), st.booleans(), seeds)
def test_pools(
    spatial: tuple[list[int], dict[str, Any]], ceil_mode: bool, count_include_pad: bool, seed: int
) -> None:
    sizes, attributes = spatial
    x = data(seed, (2, 3, *sizes))
    attributes["ceil_mode"] = int(ceil_mode)
    agree("MaxPool", [x], **attributes)
    agree("AveragePool", [x], count_include_pad=int(count_include_pad), **attributes)


@modest
@given(windows(), st.integers(1, 3), st.booleans(), seeds)
def test_conv(spatial: tuple[list[int], dict[str, Any]], group: int, bias: bool, seed: int) -> None:
    sizes, attributes = spatial
    x, w = data(seed, (2, 2 * group, *sizes)), data(seed + 1, (group, 2, *attributes["kernel_shape"]))
    agree("Conv", [x, w, *([data(seed, (group,))] if bias else [])], group=group, **attributes)


@modest
@given(shapes, st.sampled_from(["constant", "reflect", "edge", "wrap"]), st.data(), seeds)
def test_pad(shape: list[int], mode: str, draw: st.DataObject, seed: int) -> None:
    axes = draw.draw(st.permutations(range(len(shape))))[: draw.draw(st.integers(1, len(shape)))]
    # What is cropped leaves one element at least.
    begins = [draw.draw(st.integers(-(shape[axis] - 1) // 2, 3)) for axis in axes]
    ends = [draw.draw(st.integers(-(shape[axis] - 1) // 2, 3)) for axis in axes]
    value = np.asarray(draw.draw(st.sampled_from([0, -2.5])), np.float32)
    agree("Pad", [data(seed, shape), np.asarray(begins + ends), value, np.asarray(axes)], mode=mode)


@modest
@given(shapes, st.data(), seeds)
def test_slice(shape: list[int], draw: st.DataObject, seed: int) -> None:
    axes = draw.draw(st.permutations(range(len(shape))))[: draw.draw(st.integers(1, len(shape)))]
    bounds = [[draw.draw(st.integers(-7, 7)) for _ in axes] for _ in range(2)]
    steps = [draw.draw(st.sampled_from([-2, -1, 1, 2])) for _ in axes]
    agree("Slice", [data(seed, shape), *map(np.asarray, (*bounds, axes, steps))])


@modest
@given(shapes, st.sampled_from(["ReduceMax", "ReduceMean", "ReduceSum"]), st.booleans(), st.data(), seeds)
def test_reductions(shape: list[int], op_type: str, keepdims: bool, draw: st.DataObject, seed: int) -> None:
    axes = draw.draw(st.lists(st.integers(-len(shape), len(shape) - 1), unique_by=lambda a: a % len(shape)))
    agree(op_type, [data(seed, shape), np.asarray(axes, np.int64)], keepdims=int(keepdims))


@modest
@given(shapes, st.data(), seeds)
def test_split_and_gather(shape: list[int], draw: st.DataObject, seed: int) -> None:
    axis = draw.draw(st.integers(-len(shape), len(shape) - 1))
    x, size = data(seed, shape), shape[axis]
    agree("Split", [x], num_results=draw.draw(st.sampled_from([1, size])), axis=axis)
    part = draw.draw(st.integers(0, size))
    agree("Split", [x, np.asarray([part, size - part])], num_results=2, axis=axis)
    indices = draw.draw(st.lists(st.integers(-size, size - 1)))
    agree("Gather", [x, np.asarray(indices, np.int64)], axis=axis)
    agree("Gather", [x, np.asarray(-1)], axis=axis)


@pytest.mark.parametrize("mode", ["ROUND", "ROUND_TO_ZERO", "CEIL", "FLOOR"])
@pytest.mark.parametrize(("signed", "narrow"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_quant(mode: str, signed: int, narrow: int) -> None:
    x = np.linspace(-4, 4, 65, dtype=np.float32).reshape(5, 13)
    scale = np.asarray([[0.5], [0.25], [0.3], [1], [2]], np.float32)
    zero, bits = np.asarray(0, np.float32), np.asarray(3, np.float32)
    agree("Quant", [x, scale, zero, bits], signed=signed, narrow=narrow, rounding_mode=mode)


def gradient(y: Tensor, x: Tensor) -> list[float]:
    """Of the sum of `y`."""
    return torch.autograd.grad(y.sum(), x)[0].numpy().tolist()


def test_rounding_passes_gradients_but_clipping_does_not() -> None:
    x = torch.tensor([-70.0, -0.3, 0.2, 1.7, 70.0], requires_grad=True)
    scale, zero = torch.tensor(0.5), torch.zeros((), dtype=torch.int8)
    (codes,) = run("QuantizeLinear", [x, scale, zero])
    assert codes.detach().numpy().tolist() == [-128, -1, 0, 3, 127]
    (y,) = run("DequantizeLinear", [codes, scale, zero])
    assert gradient(y, x) == [0, 1, 1, 1, 0]
    (y,) = run("Quant", [x, scale, torch.tensor(0.0), torch.tensor(8.0)])
    assert gradient(y, x) == [0, 1, 1, 1, 0]

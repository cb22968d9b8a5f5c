"""The torch operators against the standard cases, the numpy kernels, and onnxruntime."""

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from backend_suite import Case, NodeRun, node_runs, single_node_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.rl.network.operators import NEEDS_IMPORTED_SHAPES, NEEDS_NUM_RESULTS, OPERATORS
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS

modest = settings(max_examples=40)
untyped = cast(Any, onnxruntime)

LEFT_OUT = {"ConstantOfShape", "Shape"}
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}
# Operators whose first input need not be floats.
STEERED = ("Cast", "DequantizeLinear", "Equal", "Not", "Where")
# Words in the names of cases that need what is left out.
UNSUPPORTED = ("nonpad", "training", "with_argmax", "max_empty_set")


def run(op_type: str, inputs: Sequence[Tensor | None], **attributes: Any) -> tuple[Tensor, ...]:
    if op_type in NEEDS_IMPORTED_SHAPES and "imported" not in attributes:
        attributes["imported"] = [tuple(x.shape) for x in inputs if x is not None]
    return OPERATORS[op_type](*inputs, **attributes)


def tensors(arrays: Sequence[Array | None]) -> list[Tensor | None]:
    return [None if array is None else torch.as_tensor(array.copy()) for array in arrays]


def ints(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


# The standard cases


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    return single_node_cases(OPERATORS)


def _is_float(case: NodeRun) -> bool:
    """Whether the data are float32; integers and conditions may steer."""
    inputs = [array for array in case.inputs if array is not None]
    if not all(array.dtype.isbuiltin == 1 for array in (*inputs, *case.expected.values())):
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

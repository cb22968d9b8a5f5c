"""The kernels against the operator test cases that the onnx package ships."""

from pathlib import Path

import numpy as np
import pytest
from backend_suite import Case, node_runs, single_node_cases

from cimc.runtime.arrays import Array, widen
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS

SKIPPED = dict(
    line.split(": ", 1) for line in Path(__file__).with_name("skipped_cases.txt").read_text().splitlines()
)
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    """Every single-node case of an operator that has a kernel, by operator."""
    return single_node_cases(KERNELS)


def _check(case: Case) -> None:
    for run in node_runs(case):
        attributes = dict(run.attributes)
        if run.op_type in NEEDS_NUM_RESULTS:
            attributes["num_results"] = run.num_results
        results = KERNELS[run.op_type](*run.inputs, **attributes)
        for index, expected in run.expected.items():
            _compare(results[index], expected, case)


def _compare(result: Array, expected: Array, case: Case) -> None:
    assert type(result) is np.ndarray
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    if expected.dtype.kind in "iub":
        np.testing.assert_array_equal(result, expected)
    else:
        np.testing.assert_allclose(widen(result), widen(expected), case.rtol, case.atol)


@pytest.mark.parametrize("op_type", sorted(KERNELS.keys() - WITHOUT_CASES))
def test_operator(op_type: str, cases: dict[str, list[Case]], subtests: pytest.Subtests) -> None:
    chosen = [case for case in cases[op_type] if case.name not in SKIPPED]
    assert chosen
    for case in chosen:
        with subtests.test(case.name):
            _check(case)


def test_skipped_cases_exist(cases: dict[str, list[Case]]) -> None:
    names = {case.name for group in cases.values() for case in group}
    assert SKIPPED.keys() <= names

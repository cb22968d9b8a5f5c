"""Executes the IR after every pass and names the first pass that changes a number."""

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from cimc.context import CimcContext
from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.driver import Observer
from cimc.errors import CimcError
from cimc.interpreters.execute import execute
from cimc.main_function import input_names, main_function
from cimc.runtime.arrays import Array

CHANGES_PRECISION = frozenset({"cim-assign-precision", "cim-calibrate"})
"""Passes that decide about numbers: what they leave is what later passes must keep."""

ROUNDS = {
    "onnx-decompose-attention": 1e-4,
    "onnx-fold-batch-norm": 1e-4,
    "onnx-fold-constants": 1e-4,
    "convert-onnx-to-cim": 0.05,
}
"""Passes that compute the same in floats of another order, and what they may change, relative to the
largest output. From `convert-onnx-to-cim` on, a quantised model is computed in integers: where a float fell
on the border between two codes, the exact sum may fall on the other side."""


def random_inputs(function: FuncOp, seed: int = 0) -> dict[str, Array]:
    """Inputs for a function: normal floats, small integers."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, Array] = {}
    for name, type_ in zip(input_names(function), function.function_type.inputs, strict=True):
        dtype, shape = dtype_of(element_type(type_)), shape_of(type_)
        if dtype.kind in "iub":
            inputs[name] = rng.integers(0, 2, shape).astype(dtype)
        else:
            inputs[name] = rng.standard_normal(shape).astype(dtype)
    return inputs


def check_each_pass(ctx: CimcContext, inputs: Mapping[str, Array] | None = None) -> Observer:
    """An observer that raises `CimcError` with the name of the first pass that changes a number.

    Passes must leave every output equal to the last bit, but for those that round or decide the precision.
    Without `inputs`, random ones are taken.
    """
    reference: dict[str, Array] = {}

    def observe(done: ModulePass | None, module: ModuleOp) -> None:
        nonlocal inputs
        if inputs is None:
            inputs = random_inputs(main_function(module))
        outputs = execute(module, ctx.tensors, inputs)
        if done is not None and done.name not in CHANGES_PRECISION:
            for name, expected in reference.items():
                _compare(done.name, name, expected, outputs[name])
        reference.clear()
        reference.update(outputs)

    return observe


def _compare(pass_name: str, output: str, expected: Array, found: Array) -> None:
    if np.array_equal(expected, found, equal_nan=expected.dtype.kind == "f"):
        return
    if expected.shape != found.shape:
        raise CimcError(
            f"pass {pass_name} changed output {output!r}: shape {found.shape}, before {expected.shape}"
        )
    difference = _difference(expected.astype(np.float64), found.astype(np.float64))
    size = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    if difference.max(initial=0) <= ROUNDS.get(pass_name, 0.0) * size:
        return
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
    raise CimcError(
        f"pass {pass_name} changed output {output!r}: {np.count_nonzero(difference)} of "
        f"{difference.size} numbers, the most at {list(worst)}: {found[worst]!r}, before {expected[worst]!r}"
    )


@np.errstate(invalid="ignore")
def _difference(a: Array, b: Array) -> Array:
    """How far numbers are apart: not at all if both are NaN, infinitely if one is."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf))

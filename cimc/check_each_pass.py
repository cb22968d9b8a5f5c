"""Executes the IR after every pass and names the first pass that changes a number."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.context import CimcContext
from cimc.driver import Observer
from cimc.errors import CimcError
from cimc.interpreters.execute import execute
from cimc.main_function import main_function
from cimc.random_inputs import random_inputs
from cimc.reduced_case import first_that_differs, reduced_case, watched, write_case
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


def check_each_pass(
    ctx: CimcContext, inputs: Mapping[str, Array] | None = None, folder: Path | None = None
) -> Observer:
    """An observer that raises `CimcError` with the name of the first pass that changes a number.

    Passes must leave every output equal to the last bit, but for those that round or decide the precision.
    Without `inputs`, random ones are taken. The error names the first node of the model whose numbers differ;
    with a `folder`, a FileCheck test with the part of the network that shows it is written there, as
    `PASS.differs.mlir`.
    """
    before: ModuleOp | None = None
    reference: dict[str, Array] = {}

    def observe(done: ModulePass | None, module: ModuleOp) -> None:
        nonlocal inputs, before
        if inputs is None:
            inputs = random_inputs(main_function(module))
        outputs = execute(module, ctx.tensors, inputs)
        if done is not None and before is not None and done.name not in CHANGES_PRECISION:
            for name, expected in reference.items():
                difference = _difference(done.name, expected, outputs[name])
                if difference is not None:
                    where = _where(ctx, before, module, inputs, done, folder)
                    raise CimcError(f"pass {done.name} changed output {name!r}: {difference}{where}")
        before = module.clone()
        reference.clear()
        reference.update(outputs)

    return observe


def _where(
    ctx: CimcContext,
    before: ModuleOp,
    after: ModuleOp,
    inputs: Mapping[str, Array],
    done: ModulePass,
    folder: Path | None,
) -> str:
    """What node of the model differs first, and where a reduced case was written."""

    def differ(a: Array, b: Array) -> bool:
        return _difference(done.name, a, b) is not None

    watch, later = (watched(module, ctx.tensors, inputs) for module in (before, after))
    node = first_that_differs(watch, later, differ)
    if node is None:
        return ""
    difference = _difference(done.name, watch.floats_of(node), later.floats_of(node))
    text = f"; the first node that differs is {node!r} ({watch.nodes[node].name}): {difference}"
    if folder is None:
        return text
    path = folder / f"{done.name}.differs.mlir"
    part, its_inputs = reduced_case(ctx, before, watch, node, done, differ)
    write_case(ctx, part, its_inputs, done, f"{done.name} changes what node {node!r} gives.", path)
    return f"{text}; a reduced case is in {path}"


def _difference(pass_name: str, expected: Array, found: Array) -> str | None:
    """How a pass has changed an array, if it must not."""
    if np.array_equal(expected, found, equal_nan=expected.dtype.kind == "f"):
        return None
    if expected.shape != found.shape:
        return f"shape {found.shape}, before {expected.shape}"
    difference = _distances(expected.astype(np.float64), found.astype(np.float64))
    size = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    if difference.max(initial=0) <= ROUNDS.get(pass_name, 0.0) * size:
        return None
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
    return (
        f"{np.count_nonzero(difference)} of {difference.size} numbers, the most at {list(worst)}: "
        f"{found[worst]!r}, before {expected[worst]!r}"
    )


@np.errstate(invalid="ignore")
def _distances(a: Array, b: Array) -> Array:
    """How far numbers are apart: not at all if both are NaN, infinitely if one is."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf))

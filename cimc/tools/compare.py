"""Outputs of a program against onnxruntime's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from cimc.context import CimcContext
from cimc.dialects.onnx.base import OnnxOp
from cimc.errors import CimcError
from cimc.main_function import main_function, output_names
from cimc.passes.file_quantisation import grid_of
from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Comparison:
    """One output against the reference.

    `step` is the output's quantisation step: its own where the model quantises it, else that of 8 bits over
    the range of the reference.
    """

    name: str
    samples: int
    same_top1: int
    ties: int
    """Samples whose top-1 differs, but is an exact tie in one of the two."""
    largest_difference: float
    step: float

    @property
    def steps(self) -> float:
        """The largest difference in quantisation steps."""
        return self.largest_difference / self.step


def reference_outputs(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """onnxruntime's outputs by name, without its optimisations: these round in other places.

    Raises `CimcError` if onnxruntime is not installed or refuses the model or the inputs.
    """
    try:
        import onnxruntime
    except ImportError:
        raise CimcError("--compare needs onnxruntime: pip install 'cimc[compare]'") from None
    ort = cast(Any, onnxruntime)  # it has no types
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))
    except Exception as e:  # onnxruntime's exceptions have no common base of their own
        raise CimcError(f"{model}: onnxruntime: {str(e).splitlines()[0]}") from None


def compare(name: str, found: Array, reference: Array, step: float | None) -> Comparison:
    """Compares one output; samples are along its first axis, classes along its last."""
    if found.shape != reference.shape:
        raise CimcError(
            f"output {name!r} has shape {list(found.shape)}, onnxruntime's {list(reference.shape)}"
        )
    found, reference = found.astype(np.float64), reference.astype(np.float64)
    rows_found = found.reshape(-1, found.shape[-1]) if found.ndim > 1 else found.reshape(1, -1)
    rows_reference = reference.reshape(rows_found.shape)
    same = rows_found.argmax(axis=1) == rows_reference.argmax(axis=1)
    ties = [_is_tie(a) or _is_tie(b) for a, b in zip(rows_found[~same], rows_reference[~same], strict=True)]
    spread = float(np.ptp(reference)) if reference.size else 0.0
    return Comparison(
        name,
        len(same),
        int(same.sum()),
        sum(ties),
        float(np.abs(found - reference).max(initial=0)),
        step or spread / 255 or 1.0,
    )


def _is_tie(row: Array) -> bool:
    return bool((row == row.max()).sum() > 1)


def output_steps(ctx: CimcContext, module: ModuleOp) -> dict[str, float | None]:
    """The quantisation step of each output that the model quantises itself."""
    function = main_function(module)
    last = function.body.block.last_op
    values: list[SSAValue] = [] if last is None else list(last.operands)
    steps: dict[str, float | None] = {}
    for name, value in zip(output_names(function), values, strict=True):
        grid = grid_of(ctx, value) if isinstance(value.owner, OnnxOp) else None
        steps[name] = None if grid is None else grid.scale
    return steps

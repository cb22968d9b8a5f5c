"""Runs a pipeline of passes, and lets others look at the IR after each."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import DiagnosticException, VerifyException

from cimc.checks import verify
from cimc.context import CimcContext
from cimc.dialects.weights import LoadOp
from cimc.errors import CimcError, first_line
from cimc.passes import get_all_cimc_passes
from cimc.xdsl_errors import parsing_pipeline

Observer: TypeAlias = Callable[[ModulePass | None, ModuleOp], None]
"""Called with the pass that has run and the module it left, and once before with no pass."""


def run_pipeline(
    ctx: CimcContext,
    module: ModuleOp,
    spec: str,
    observers: Sequence[Observer] = (),
    *,
    verify_each: bool = True,
    before_verifying: Sequence[Observer] = (),
) -> None:
    """Applies the passes of a pipeline, and verifies the module after each, or only after the last.

    Observers are called once a module is verified, those of `before_verifying` also if it is not valid.
    Raises `CimcError` for what the user can mend, and for a pass that leaves invalid IR.
    """

    def callback(done: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
        for observer in before_verifying:
            observer(done, module)
        if verify_each or following is None:
            _verify(module, done)
        for observer in observers:
            observer(done, module)

    with parsing_pipeline():
        passes = PassPipeline.parse_spec(get_all_cimc_passes(), spec, callback)
    try:
        with np.errstate(all="ignore"):
            passes.apply(ctx, module)
    except DiagnosticException as e:
        raise CimcError(first_line(e)) from None


def _verify(module: ModuleOp, done: ModulePass | None) -> None:
    try:
        verify(module)
    except VerifyException as e:
        where = f"after {done.name}" if done else "before the first pass"
        raise CimcError(f"the IR is not valid {where}: {first_line(e)}") from None


def drop_unused_arrays(ctx: CimcContext) -> Observer:
    """Frees the arrays that the IR no longer names."""

    def observe(_: ModulePass | None, module: ModuleOp) -> None:
        used = {op.key for op in module.walk() if isinstance(op, LoadOp)}
        for name in [name for name in ctx.tensors if name not in used]:
            del ctx.tensors[name]

    return observe

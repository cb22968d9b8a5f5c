"""Prints the IR after some passes."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TextIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline

from cimc.driver import Observer
from cimc.errors import CimcError
from cimc.ir_files import print_module
from cimc.passes import get_all_cimc_passes
from cimc.xdsl_errors import parsing_pipeline


def print_ir_after(names: Sequence[str], pipeline: str, file: TextIO) -> Observer:
    """An observer that prints the module whenever one of some passes has run, as `mlir-opt` does.

    Raises `CimcError` if the pipeline has no such pass.
    """
    with parsing_pipeline():
        known = [one.name for one in PassPipeline.parse_spec(get_all_cimc_passes(), pipeline).passes]
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, 3) or known
            raise CimcError(f"--print-ir-after={name}: no such pass runs; there is {', '.join(close)}")

    def observe(done: ModulePass | None, module: ModuleOp) -> None:
        if done is not None and done.name in names:
            file.write(f"// -----// IR after {done.name} //----- //\n{print_module(module)}")

    return observe

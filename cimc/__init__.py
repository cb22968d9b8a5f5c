"""Compiler and simulator for RRAM computing-in-memory crossbars.

import cimc

program = cimc.compile("model.onnx", policy="policy.json", calibrate="data.npz")
print(program.report()["total"])
outputs = program.run({"x": pictures})
program.save("model.mlir")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cimc.precision_search import search
    from cimc.program import Program, Target, compile, load, load_target

__all__ = ["Program", "Target", "compile", "load", "load_target", "search"]


def __getattr__(name: str) -> object:
    # Imported when first used, so that the command line tools start fast.
    if name == "search":
        from cimc.precision_search import search

        return search
    if name in __all__:
        from cimc import program

        return getattr(program, name)
    raise AttributeError(f"module 'cimc' has no attribute {name!r}")

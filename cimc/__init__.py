"""Compiler and simulator for RRAM computing-in-memory crossbars.

import cimc

program = cimc.compile("model.onnx", policy="policy.json", calibrate="data.npz")
print(program.report()["total"])
outputs = program.run({"x": pictures})
program.save("model.mlir")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cimc.program import Program, Target, compile, load, load_target

__all__ = ["Program", "Target", "compile", "load", "load_target"]


def __getattr__(name: str) -> object:
    # Imported when first used, so that the command line tools start fast.
    if name in __all__:
        from cimc import program

        return getattr(program, name)
    raise AttributeError(f"module 'cimc' has no attribute {name!r}")

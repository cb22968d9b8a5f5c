"""The accuracy of a file, executed: what a search reports is this and nothing else."""

from pathlib import Path

import numpy as np

from cimc.dialects.tensor_types import shape_of
from cimc.main_function import main_function
from cimc.program import compile
from cimc.rl.pictures import Split
from cimc.runtime.arrays import Array

BATCH = 50


def executed(model: Path, x: Array) -> Array:
    """The first output [n, ...] of a file on pictures [n, ...].

    It is compiled to the `cim` level, whose integers are those of the crossbars, whatever the mapping.
    """
    program = compile(model, batch=BATCH, emit="cim")
    size = shape_of(main_function(program.module).function_type.inputs.data[0])[0]
    missing = -len(x) % size
    whole = np.concatenate([x, np.repeat(x[-1:], missing, 0)]) if missing else x
    outputs = program.run(whole)
    return next(iter(outputs.values()))[: len(x)]


def accuracy(model: Path, split: Split) -> float:
    """Top-1 in percent."""
    return 100 * float((executed(model, split.x).argmax(1) == split.y).mean())

"""Inputs for a program where none are given."""

import numpy as np
from xdsl.dialects.func import FuncOp

from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.main_function import input_names
from cimc.runtime.arrays import Array


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

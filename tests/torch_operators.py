"""How tests call the torch operators."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from cimc.rl.network.operators import NEEDS_IMPORTED_SHAPES, OPERATORS
from cimc.runtime.arrays import Array

modest = settings(max_examples=40)
seeds = st.integers(0, 2**32 - 1)
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def run(op_type: str, inputs: Sequence[Tensor | None], **attributes: Any) -> tuple[Tensor, ...]:
    if op_type in NEEDS_IMPORTED_SHAPES and "imported" not in attributes:
        attributes["imported"] = [tuple(map(int, x.shape)) for x in inputs if x is not None]
    return OPERATORS[op_type](*inputs, **attributes)


def tensors(arrays: Sequence[Array | None]) -> list[Tensor | None]:
    return [None if array is None else torch.as_tensor(array.copy()) for array in arrays]


def ints(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def data(seed: int, shape: Sequence[int]) -> Array:
    """Small integers, whose sums and products are exact in whatever order."""
    return np.random.default_rng(seed).integers(-8, 9, tuple(shape)).astype(np.float32)

"""Steps between numpy and torch, and of torch, that its own types do not describe."""

from typing import Any, cast

import torch
from torch import Tensor

from cimc.runtime.arrays import Array


def tensor(array: Array) -> Tensor:
    """A copy of an array."""
    return cast(Any, torch).from_numpy(array.copy())


def parts(x: Tensor, size: int) -> tuple[Tensor, ...]:
    """`x` cut along its first axis: so many at a time, the last part may have fewer."""
    return cast(Any, x).split(size)

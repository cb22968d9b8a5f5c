"""How large things may become. What is beyond is taken for a mistake, before it fills the memory."""

from collections.abc import Sequence
from math import prod

MAX_ELEMENTS = 1 << 30
"""Elements of one array: 4 GiB of float32. The largest of ResNet-50 at a batch of 256 has a fifth of that."""

MAX_WINDOW = 1 << 20
"""Elements of the window that a pooling or convolution slides over a picture: each is a step of a loop."""

MAX_TILES = 1 << 18
"""Tiles that a network may be cut into: each is two ops of the program."""


def check_elements(what: str, shape: Sequence[int]) -> None:
    """Raises `ValueError` if an array of such a shape is too large. Unknown sizes (-1) count as one."""
    elements = prod(max(size, 1) for size in shape)
    if elements > MAX_ELEMENTS:
        raise ValueError(
            f"{what} of shape {tuple(shape)} is too large; an array may have {MAX_ELEMENTS} elements"
        )


def check_window(kernel: Sequence[int]) -> None:
    """Raises `ValueError` if a window is too large."""
    if prod(kernel) > MAX_WINDOW:
        raise ValueError(f"a kernel of {tuple(kernel)} is too large; it may have {MAX_WINDOW} elements")

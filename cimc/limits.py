"""How large things may become. What is beyond is taken for a mistake, before it fills the memory."""

import os
from collections.abc import Sequence
from math import prod

MAX_ELEMENTS = 1 << 30
"""Elements of one array: 4 GiB of float32. The largest of ResNet-50 at a batch of 256 has a fifth of that."""

MAX_WINDOW = 1 << 20
"""Elements of the window that a pooling or convolution slides over a picture: each is a step of a loop."""

MAX_TILES = 1 << 18
"""Tiles that a network may be cut into: each is two ops of the program."""

MAX_UNPACKED = 4 << 30
"""Bytes that a compressed file of arrays may unpack to, unless it is itself of a size that goes with it."""

MAX_RATIO = 100
"""How many times larger than itself: deflated zeros have 1000, pictures as floats up to 40."""


def check_unpacked(packed: int, unpacked: int) -> None:
    """Raises `ValueError` if what a file unpacks to is out of proportion, or more than all memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if unpacked > memory or (unpacked > MAX_UNPACKED and unpacked > MAX_RATIO * packed):
        raise ValueError(
            f"its arrays would take {unpacked / 1e9:.3g} GB, from {packed / 1e9:.3g} GB in the file; "
            f"the memory has {memory / 1e9:.3g} GB, and nothing real is compressed {MAX_RATIO} times"
        )


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

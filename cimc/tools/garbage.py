"""Garbage collection, put off while the IR of a large network is built or parsed."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Generator[None]:
    """A context without the search for cyclic garbage.

    The hundreds of thousands of objects of an IR all stay alive; to go through them again and again took a
    sixth of the time of compiling ViT-B/32 (`benchmarks/compile.py`), and freed nothing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""One process at a time in a folder."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cimc.errors import CimcError


@contextmanager
def only_one_in(folder: Path) -> Generator[None]:
    """A context that one process at a time can be in; the lock ends with the process, however it ends.

    Raises `CimcError` if another one is there.
    """
    descriptor = os.open(folder, os.O_RDONLY)  # so that no file is to be cleared away
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CimcError(f"{folder}: another search is at work there; give another folder") from None
        yield
    finally:
        os.close(descriptor)

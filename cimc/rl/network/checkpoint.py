"""What an interrupted training goes on from."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from cimc.errors import CimcError
from cimc.rl.network.parameters import packed, unpacked
from cimc.tensor_store import atomic_path

EVERY_S = 60.0
"""Seconds from one checkpoint to the next."""


class Checkpoint:
    """A file that holds where a training stood, written about once a minute."""

    def __init__(self, path: Path) -> None:
        """The folder of `path` is made if need be."""
        self._path = path
        self._written_s = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What was saved last, if it can be read."""
        if not self._path.exists():
            return None
        try:
            return unpacked(self._path.read_bytes())
        except Exception:  # whatever torch makes of a broken file: a training can always start anew
            return None

    @property
    def is_due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._written_s >= EVERY_S

    def save(self, state: dict[str, Any]) -> None:
        """Replaces what was saved before, if the file can be written: no reason to stop a training."""
        content = packed(state)
        with suppress(OSError, CimcError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(self._path) as temporary:
                temporary.write_bytes(content)
        self._written_s = time.monotonic()

    def remove(self) -> None:
        """The training is done."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

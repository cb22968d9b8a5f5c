"""The arrays that an IR names: kept beside it in memory, and in a `.safetensors` file on disk."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.arrays import Array


def digest(array: Array) -> str:
    """16 hexadecimal digits that change with the array's bytes, type or shape (SHA-256)."""
    sha = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:16]


class TensorStore(dict[str, Array]):
    """Arrays by the symbol that the IR uses for them."""

    def add(self, name: str, array: Array) -> str:
        """Stores an array under `name`, or under a fresh variant of it if that is taken."""
        unique, n = name, 0
        while unique in self:
            n += 1
            unique = f"{name}.{n}"
        self[unique] = array
        return unique

    def save(self, path: Path, names: Iterable[str]) -> None:
        """Writes the named arrays as one safetensors file, or nothing at all if that fails."""
        import safetensors.numpy

        library = cast(Any, safetensors.numpy)  # its paths have no full types
        arrays = {name: np.asarray(self[name], order="C") for name in sorted(set(names))}
        with atomic_path(path) as temporary:
            try:
                library.save_file(arrays, temporary)
            except safetensors.SafetensorError as e:
                reason = str(e).rpartition("I/O error: ")[2].partition(" (os error")[0]
                raise CimcError(f"{path}: cannot be written: {reason}") from None

    def load(self, path: Path) -> None:
        """Adds the arrays of a safetensors file. Raises `CimcError` if it is not a valid one."""
        import safetensors.numpy

        library = cast(Any, safetensors.numpy)
        try:
            self.update(library.load_file(path))
        except (safetensors.SafetensorError, OSError, ValueError, KeyError) as e:
            raise CimcError(f"{path}: not a readable weights file: {e}") from None


def check_output(path: Path, suffix: str = "") -> None:
    """Raises `CimcError` if a file cannot be written there, or its name should end otherwise."""
    if path.suffix != suffix and suffix:
        raise CimcError(f"{path}: give the output a name that ends in {suffix}")
    if path.exists() and not path.is_file():
        raise CimcError(f"{path}: cannot be written: it is no ordinary file")
    if not path.parent.is_dir():
        raise CimcError(f"{path}: cannot be written: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise CimcError(f"{path}: cannot be written: no permission to write in {path.parent}")


class atomic_path:
    """A context that gives a temporary file's path and renames it to `path` if all went well."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        check_output(self.path)
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp")
        except OSError as e:
            raise CimcError(f"{self.path}: cannot be written: {e.strerror}") from None
        os.close(handle)
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.temporary.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename in (None, str(self.temporary)):
                raise CimcError(f"{self.path}: cannot be written: {error.strerror or error}") from None
            return
        umask = os.umask(0)
        os.umask(umask)
        self.temporary.chmod(0o666 & ~umask)  # mkstemp makes files that only the owner may read
        os.replace(self.temporary, self.path)


def write_text(path: Path, text: str) -> None:
    """Writes a file of text whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

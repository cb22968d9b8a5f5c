"""Files of arrays, as `numpy.savez` writes them."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from cimc.errors import CimcError, first_line
from cimc.limits import check_unpacked
from cimc.runtime.arrays import Array

_DAMAGED = (
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and numpy raise for damaged files."""


def load_npz(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file. Raises `CimcError` if it cannot be read as such."""
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":  # else numpy would take it for a pickle
                raise CimcError(f"{path}: not a .npz file (an archive of arrays, as numpy.savez writes)")
            stream.seek(0)
            with zipfile.ZipFile(stream) as archive:
                entries = archive.infolist()
            check_unpacked(sum(e.compress_size for e in entries), sum(e.file_size for e in entries))
            stream.seek(0)
            with np.load(stream) as data:
                return {name: a for name in data.files if isinstance(a := data[name], np.ndarray)}
    except OSError as e:
        raise CimcError(f"{path}: cannot be read: {e.strerror or e}") from None
    except MemoryError:
        raise CimcError(f"{path}: an array in it is larger than the memory, or the file is damaged") from None
    except _DAMAGED as e:
        raise CimcError(f"{path}: cannot be read as .npz: {first_line(e)}") from None

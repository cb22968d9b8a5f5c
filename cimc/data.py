"""Input data: `.npz` files of arrays by the names of the graph's inputs."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from xdsl.dialects.func import FuncOp

from cimc.dialects.tensor_types import shape_of
from cimc.errors import CimcError
from cimc.main_function import input_names
from cimc.runtime.arrays import Array

_SINGLE = ("x", "x_train", "x_test")
"""What a single input may be called instead, in this order."""


def load_npz(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file. Raises `CimcError` if it cannot be read as such."""
    try:
        with np.load(path) as data:
            if not isinstance(data, np.lib.npyio.NpzFile):
                raise CimcError(f"{path}: a .npz file is needed, not a .npy file")
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
        raise CimcError(f"{path}: cannot be read as .npz: {e}") from None


def inputs_for(function: FuncOp, data: Mapping[str, Array], label: str) -> dict[str, Array]:
    """The arrays for a function's inputs; a single input may also be called `x` (or `x_train`, `x_test`).

    Raises `CimcError` if one is missing or of another shape but for the number of pictures.
    """
    names = input_names(function)
    found: dict[str, Array] = {}
    for name, type_ in zip(names, function.function_type.inputs, strict=True):
        candidates = (name, *_SINGLE) if len(names) == 1 else (name,)
        key = next((c for c in candidates if c in data), None)
        if key is None:
            raise CimcError(
                f"{label}: holds no array {name!r} for the input; it has {', '.join(data) or 'none'}"
            )
        array, shape = data[key], shape_of(type_)
        if array.shape[1:] != shape[1:] or array.ndim != len(shape):
            raise CimcError(
                f"{label}: {key!r} has shape {list(array.shape)}, the input {name!r} needs "
                f"{list(shape)} (or a multiple of its first size)"
            )
        found[name] = array
    return found


def batches(
    function: FuncOp, inputs: Mapping[str, Array], limit: int | None = None
) -> Iterator[dict[str, Array]]:
    """Whole batches of the size the function takes, of at most `limit` pictures (one batch at least).

    Raises `CimcError` if the number of pictures is no multiple of the batch.
    """
    sizes = {
        name: shape_of(type_)[0] if shape_of(type_) else 0
        for name, type_ in zip(input_names(function), function.function_type.inputs, strict=True)
    }
    counts = {len(inputs[name]) // size for name, size in sizes.items() if size}
    uneven = [name for name, size in sizes.items() if size and len(inputs[name]) % size]
    if (uneven and limit is None) or len(counts) > 1:
        raise CimcError(
            f"the number of pictures must be a multiple of the batch, {sizes}; got "
            f"{ {name: len(array) for name, array in inputs.items()} }"
        )
    count = counts.pop() if counts else 1
    if limit is not None:
        count = min(count, max(1, limit // max(1, *sizes.values())))
    if not count:
        raise CimcError(f"there are fewer pictures than one batch, {sizes}")
    for index in range(count):
        yield {
            name: array[index * sizes[name] : (index + 1) * sizes[name]] if sizes[name] else array
            for name, array in inputs.items()
        }

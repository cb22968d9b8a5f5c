"""Input data: `.npz` files of arrays by the names of the graph's inputs."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.func import FuncOp

from cimc.dialects.tensor_types import shape_of
from cimc.errors import CimcError
from cimc.main_function import input_names
from cimc.runtime.arrays import Array
from cimc.tensor_store import atomic_path

TO_LEARN_FROM = ("x", "x_train", "x_test")
TO_RUN_ON = ("x", "x_test", "x_train")
"""What a single input may be called instead, in this order."""


def save_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Writes an `.npz` file; unlike with numpy.savez, arrays may have any name."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)


def inputs_for(
    function: FuncOp, data: Mapping[str, Array], label: str, single: Sequence[str] = TO_LEARN_FROM
) -> dict[str, Array]:
    """The arrays for a function's inputs; a single input may go by other names, the first that is there.

    Raises `CimcError` if one is missing or of another shape but for the number of pictures.
    """
    names = input_names(function)
    found: dict[str, Array] = {}
    for name, type_ in zip(names, function.function_type.inputs, strict=True):
        key = _key_of(name, data, single if len(names) == 1 else ())
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


def _key_of(name: str, data: Mapping[str, Array], others: Sequence[str]) -> str | None:
    return next((c for c in (name, *others) if c in data), None)


def labels_for(function: FuncOp, data: Mapping[str, Array], label: str) -> Array | None:
    """The classes of the pictures to run on, int64 [pictures]; None if the data has none.

    They are `y` of the input `x` or of one of another name, `y_test` of `x_test` and so on. Raises
    `CimcError` if they are no whole numbers, one a picture.
    """
    names = input_names(function)
    key = _key_of(names[0], data, TO_RUN_ON) if len(names) == 1 else None
    if key is None:
        return None
    wanted = f"y{key[1:]}" if key in TO_RUN_ON else "y"
    labels = data.get(wanted)
    if labels is None:
        return None
    if labels.shape != (len(data[key]),) or labels.dtype.kind not in "iu":
        raise CimcError(
            f"{label}: {wanted!r} must hold a whole number for each of the {len(data[key])} pictures of "
            f"{key!r}, got {labels.dtype} {list(labels.shape)}"
        )
    return labels.astype(np.int64)


def batches(
    function: FuncOp, inputs: Mapping[str, Array], limit: int | None = None
) -> Iterator[dict[str, Array]]:
    """Whole batches of the size the function takes.

    With a `limit`, as for samples, of about so many pictures: one batch at least, for which fewer pictures
    are repeated. Raises `CimcError` without one if the number of pictures is no multiple of the batch.
    """
    sizes = {
        name: shape_of(type_)[0] if shape_of(type_) else 0
        for name, type_ in zip(input_names(function), function.function_type.inputs, strict=True)
    }
    if limit is not None:
        inputs = {name: _repeated(array, sizes[name]) for name, array in inputs.items()}
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


def _repeated(array: Array, count: int) -> Array:
    """At least `count` pictures, the same again where there are fewer."""
    if not count or not 0 < len(array) < count:
        return array
    return array.take(np.arange(count) % len(array), axis=0)

"""The data of a search: pictures to train with, to select with and to test with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.arrays import Array
from cimc.runtime.npz import load_npz


@dataclass(frozen=True)
class Split:
    """Pictures [n, ...], float32, and their classes [n], int64."""

    x: Array
    y: Array

    def take(self, indices: Array) -> "Split":
        """Those of some indices."""
        return Split(self.x[indices], self.y[indices])


@dataclass(frozen=True)
class SearchData:
    """Parts that have no picture in common, but for those that calibrate where there are few."""

    training: Split
    validation: Split
    calibration: Array
    """Pictures that find ranges and statistics; they need no classes."""
    test: Split | None


def load_data(
    path: Path, shape: tuple[int, ...], classes: int, *, validation: int, calibration: int, seed: int
) -> SearchData:
    """The arrays `x_train`, `y_train`, and `x_val`, `y_val`, `x_test`, `y_test` if they are there, of a file.

    There are at most `validation` pictures to select with, drawn at random: of `x_val`, or else pictures for
    training that are cut off, half of them at most. Raises `CimcError` if an array is missing or does not go
    with a network whose pictures have a shape and so many classes.
    """
    arrays = load_npz(path)
    train = _split(path, arrays, "train", shape, classes)
    if train is None:
        raise CimcError(f"{path}: a search needs x_train and y_train; it has {', '.join(arrays) or 'none'}")
    order = np.random.default_rng(seed).permutation(len(train.x))
    test = _split(path, arrays, "test", shape, classes)
    own = _split(path, arrays, "val", shape, classes)
    if own is not None:
        if len(own.x) > validation:  # at random: they may lie there by class
            own = own.take(np.random.default_rng(seed).permutation(len(own.x))[:validation])
        return SearchData(train, own, train.x[order[:calibration]], test)
    cut = min(validation, len(train.x) // 2)
    held, left = order[:cut], order[cut:]
    # Calibration sees no classes, so that it may look at the pictures that are held back.
    sample = np.concatenate([left, held])[:calibration]
    return SearchData(train.take(left), train.take(held), train.x[sample], test)


def _split(
    path: Path, arrays: Mapping[str, Array], name: str, shape: tuple[int, ...], classes: int
) -> Split | None:
    x, y = arrays.get(f"x_{name}"), arrays.get(f"y_{name}")
    if x is None and y is None:
        return None
    if x is None or y is None:
        there, absent = ("x", "y") if y is None else ("y", "x")
        raise CimcError(f"{path}: {there}_{name} needs {absent}_{name}; it has {', '.join(arrays)}")
    if x.shape[1:] != shape or x.dtype.kind != "f":
        raise CimcError(
            f"{path}: x_{name} must hold float pictures [n, {', '.join(map(str, shape))}], got {x.dtype} "
            f"{list(x.shape)}"
        )
    if y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        raise CimcError(
            f"{path}: y_{name} must hold integers [{len(x)}], the class of each picture, got {y.dtype} "
            f"{list(y.shape)}"
        )
    if len(x) < 2:
        raise CimcError(f"{path}: x_{name} must hold 2 pictures at least, got {len(x)}")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise CimcError(
            f"{path}: y_{name} has classes from {low} to {high}, the network's outputs are 0 to {classes - 1}"
        )
    with np.errstate(over="ignore"):
        single = x.astype(np.float32, copy=False)
    if not np.isfinite(single).all():
        raise CimcError(f"{path}: x_{name} has values that are not finite, or too large for float32")
    return Split(single, y.astype(np.int64))

"""The data of a search: parts without a picture in common, and one message for what does not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.rl.pictures import SearchData, Split, load_data
from cimc.runtime.arrays import Array

SHAPE, CLASSES = (1, 2, 3), 4

Arrays = dict[str, Array]


def numbered(count: int, first: int = 0) -> Array:
    """Pictures that each hold their own number."""
    return np.broadcast_to(
        np.arange(first, first + count, dtype=np.float32)[:, None, None, None], (count, *SHAPE)
    )


def part(name: str, count: int, first: int = 0) -> Arrays:
    """Pictures, and classes that follow from their numbers."""
    return {f"x_{name}": numbered(count, first), f"y_{name}": np.arange(first, first + count) % CLASSES}


def write(path: Path, arrays: Arrays) -> Path:
    cast(Any, np.savez)(path, **arrays)
    return path


def load(path: Path, validation: int = 10, calibration: int = 8, seed: int = 0) -> SearchData:
    return load_data(path, SHAPE, CLASSES, validation=validation, calibration=calibration, seed=seed)


def numbers(x: Array) -> list[int]:
    """Which pictures these are."""
    assert x.dtype == np.float32
    assert x.shape[1:] == SHAPE
    assert (x == x[:, :1, :1, :1]).all()
    return [int(n) for n in x[:, 0, 0, 0]]


def check_classes(split: Split) -> None:
    """Each picture still has its own class."""
    assert split.y.dtype == np.int64
    np.testing.assert_array_equal(split.y, np.array(numbers(split.x)) % CLASSES)


@given(st.integers(2, 40), st.integers(1, 50), st.integers(1, 50), st.integers(0, 99))
def test_pictures_that_are_cut_off(
    tmp_path_factory: pytest.TempPathFactory, count: int, validation: int, calibration: int, seed: int
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "cut.npz", part("train", count))
    data = load(path, validation, calibration, seed)
    training, held = numbers(data.training.x), numbers(data.validation.x)
    assert sorted(training + held) == list(range(count))
    assert len(held) == min(validation, count // 2)
    check_classes(data.training)
    check_classes(data.validation)
    sample = numbers(data.calibration)
    assert len(sample) == min(calibration, count) == len(set(sample))
    if calibration <= len(training):
        assert set(sample) <= set(training)
    assert data.test is None
    again = load(path, validation, calibration, seed)
    assert (numbers(again.training.x), numbers(again.validation.x)) == (training, held)
    assert numbers(again.calibration) == sample


def test_another_seed_cuts_others_off(tmp_path: Path) -> None:
    path = write(tmp_path / "data.npz", part("train", 40))
    assert {*numbers(load(path, seed=1).validation.x)} != {*numbers(load(path, seed=2).validation.x)}


def test_pictures_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "data.npz", part("train", 20) | part("val", 30, 100) | part("test", 7, 200))
    data = load(path, validation=12, calibration=8)
    assert numbers(data.training.x) == list(range(20))
    held = numbers(data.validation.x)
    assert len({*held}) == 12
    assert {*held} < {*range(100, 130)}
    assert max(held) > 112, "not the first ones, which may all be of one class"
    assert numbers(load(path, validation=30, calibration=8).validation.x) == list(range(100, 130))
    assert set(numbers(data.calibration)) < set(range(20))
    assert data.test is not None
    assert numbers(data.test.x) == list(range(200, 207))
    for split in (data.training, data.validation, data.test):
        check_classes(split)


def test_test_pictures_choose_nothing(tmp_path: Path) -> None:
    """With others, or without any, all else is the same."""
    found = [
        load(write(tmp_path / "data.npz", part("train", 20) | test))
        for test in (part("test", 5), part("test", 9, 300), {})
    ]
    for data in found[1:]:
        for a, b in ((data.training, found[0].training), (data.validation, found[0].validation)):
            assert numbers(a.x) == numbers(b.x)
        assert numbers(data.calibration) == numbers(found[0].calibration)


@pytest.mark.parametrize("dtype", ["float16", "float64", ">f4"])
@pytest.mark.parametrize("integers", ["uint8", "int32", ">i8"])
def test_other_types_of_numbers(tmp_path: Path, dtype: str, integers: str) -> None:
    arrays = part("train", 9)
    arrays = {"x_train": arrays["x_train"].astype(dtype), "y_train": arrays["y_train"].astype(integers)}
    data = load(write(tmp_path / "data.npz", arrays))
    assert sorted(numbers(data.training.x) + numbers(data.validation.x)) == list(range(9))
    assert data.training.x.dtype.isnative
    check_classes(data.training)


Edit = Callable[[Array], Any]


def edit(change: Edit) -> Edit:
    """A change, with its type."""
    return change


def with_value(value: float) -> Edit:
    """One number is another one."""

    def change(x: Array) -> Array:
        x = x.astype(np.float64)
        x[-1, 0, 1, 2] = value
        return x

    return change


@pytest.mark.parametrize("name", ["train", "val", "test"])
@pytest.mark.parametrize(
    ("array", "change", "parts"),
    [
        ("x", with_value(np.nan), ["not finite"]),
        ("x", with_value(-np.inf), ["not finite"]),
        ("x", with_value(1e39), ["too large for float32"]),
        ("x", edit(lambda x: x.astype(np.uint8)), ["float pictures [n, 1, 2, 3]", "uint8 [10, 1, 2, 3]"]),
        ("x", edit(lambda x: x.astype(np.complex64)), ["float pictures", "complex64"]),
        ("x", edit(lambda x: x.astype(str)), ["float pictures", "<U"]),
        ("x", edit(lambda x: x > 0), ["float pictures", "bool"]),
        ("x", edit(lambda x: x[:, 0]), ["[n, 1, 2, 3]", "[10, 2, 3]"]),
        ("x", edit(lambda x: np.moveaxis(x, 1, 3)), ["[n, 1, 2, 3]", "[10, 2, 3, 1]"]),
        ("x", edit(lambda x: x[0]), ["[n, 1, 2, 3]", "[1, 2, 3]"]),
        ("x", edit(lambda x: np.float32(0)), ["[n, 1, 2, 3]", "[]"]),
        ("y", edit(lambda y: y[:-1]), ["integers [10]", "[9]"]),
        ("y", edit(lambda y: np.append(y, 0)), ["integers [10]", "[11]"]),
        ("y", edit(lambda y: np.eye(4, dtype=np.int64)[y]), ["integers [10]", "[10, 4]"]),
        ("y", edit(lambda y: y[:, None]), ["integers [10]", "[10, 1]"]),
        ("y", edit(lambda y: 3), ["integers [10]", "int64 []"]),
        ("y", edit(lambda y: y.astype(np.float32)), ["integers", "float32"]),
        ("y", edit(lambda y: y > 1), ["integers", "bool"]),
        ("y", edit(lambda y: y.astype(str)), ["integers", "<U"]),
        ("y", edit(lambda y: y - 1), ["from -1 to 2", "0 to 3"]),
        ("y", edit(lambda y: y + 1), ["from 1 to 4", "0 to 3"]),
        ("y", edit(lambda y: y.astype(np.uint64) + np.uint64(2**63)), ["0 to 3"]),
    ],
)
def test_arrays_that_do_not_fit(
    tmp_path: Path, name: str, array: str, change: Edit, parts: list[str]
) -> None:
    arrays = part("train", 10) | part("val", 10) | part("test", 10)
    key = f"{array}_{name}"
    path = write(tmp_path / "data.npz", arrays | {key: np.asarray(change(arrays[key]))})
    with pytest.raises(CimcError) as error:
        load(path)
    for text in (str(path), key, *parts):
        assert text in str(error.value)


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_too_few_pictures(tmp_path: Path, name: str, count: int) -> None:
    path = write(tmp_path / "data.npz", part("train", 10) | part(name, count))
    with pytest.raises(CimcError, match=f"x_{name} must hold 2 pictures at least, got {count}"):
        load(path)


@pytest.mark.parametrize("name", ["train", "val", "test"])
@pytest.mark.parametrize("kept", ["x", "y"])
def test_pictures_without_classes_or_the_reverse(tmp_path: Path, name: str, kept: str) -> None:
    """A misspelt name must not make a search silently go without."""
    absent = {"x": "y", "y": "x"}[kept]
    arrays = part("train", 10) | part("val", 10) | part("test", 10)
    del arrays[f"{absent}_{name}"]
    with pytest.raises(CimcError) as error:
        load(write(tmp_path / "data.npz", arrays))
    assert f"{kept}_{name} needs {absent}_{name}; it has" in str(error.value)


@pytest.mark.parametrize("arrays", [{}, {"x": numbered(4)}, part("test", 9)])
def test_nothing_to_train_with(tmp_path: Path, arrays: Arrays) -> None:
    with pytest.raises(CimcError, match="needs x_train and y_train; it has") as error:
        load(write(tmp_path / "data.npz", arrays))
    assert str(error.value).endswith(", ".join(arrays) or "none")


class Trap:
    """What pickle would call while it loads this."""

    def __init__(self, witness: Path) -> None:
        self._witness = witness

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self._witness), "w")


@pytest.mark.parametrize("name", ["x_train", "y_val", "unrelated"])
def test_pickles_are_never_loaded(tmp_path: Path, name: str) -> None:
    trap = np.empty(10, object)
    trap[:] = Trap(tmp_path / "witness")
    path = write(tmp_path / "data.npz", part("train", 10) | part("val", 10) | {name: trap})
    (tmp_path / "witness").unlink(missing_ok=True)
    with pytest.raises(CimcError, match=r"data\.npz"):
        load(path)
    assert not (tmp_path / "witness").exists()
    path.write_bytes(trap.dumps())
    (tmp_path / "witness").unlink(missing_ok=True)
    with pytest.raises(CimcError, match=r"not a \.npz file"):
        load(path)
    assert not (tmp_path / "witness").exists()


def test_some_of_a_split() -> None:
    split = Split(numbered(5), np.arange(5) % CLASSES)
    taken = split.take(np.array([4, 0, 4]))
    assert numbers(taken.x) == [4, 0, 4]
    check_classes(taken)

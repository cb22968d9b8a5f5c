"""Chips with programs: what stays in their cells, and what does not."""

from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from tools.tiny_models import conv, dense, node, serialized, weights

import cimc
from cimc.data import save_npz
from cimc.errors import CimcError
from cimc.main_function import set_target
from cimc.passes.xbar_calibrate_adc import XbarCalibrateAdcPass
from cimc.runtime.arrays import Array
from cimc.runtime.tile_reading import TileReading


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.onnx"
    path.write_bytes(serialized(dense()))
    return path


X = weights(1, 6)


def program_of(model: Path, target: cimc.Target) -> cimc.Program:
    return cimc.compile(model, calibrate={"x": weights(20, 6)}, target=target, opt_level=0)


def small(rows: int, crossbars: int = 1) -> cimc.Target:
    return cimc.Target("small", rows=rows, cols=16, crossbars=crossbars)


def run_twice(program: cimc.Program, target: cimc.Target) -> Array:
    """The outputs of two batches of the same picture."""
    return program.run(np.concatenate([X, X]), target=target)["y"]


@pytest.mark.parametrize("key", ["programming_noise", "drift_exponent_noise"])
def test_what_is_written_once_stays_and_else_is_drawn_anew(key: str, model: Path) -> None:
    for rows, stays in ((6, True), (3, False)):  # one tile, or two that take turns in one crossbar
        target = small(rows).with_noise(**{key: 0.1}, drift_s=10.0)
        first, second = run_twice(program_of(model, small(rows)), target)
        assert np.array_equal(first, second) == stays


@pytest.fixture
def product(tmp_path: Path) -> tuple[cimc.Program, dict[str, Array]]:
    """A product of two inputs, of which one is written into a crossbar, and two equal batches of them."""
    node_, value = node("MatMul", "a b", "y"), onnx.helper.make_tensor_value_info
    types = [value(name, onnx.TensorProto.FLOAT, shape) for name, shape in (("a", [4, 6]), ("b", [6, 5]))]
    graph = onnx.helper.make_graph([node_], "product", types, [value("y", onnx.TensorProto.FLOAT, None)])
    (tmp_path / "product.onnx").write_bytes(serialized(onnx.helper.make_model(graph)))
    batch = {"a": weights(4, 6), "b": weights(6, 5)}
    program = cimc.compile(tmp_path / "product.onnx", calibrate=batch)
    return program, {name: np.concatenate([array, array]) for name, array in batch.items()}


def test_what_an_inference_computes_is_written_anew(product: tuple[cimc.Program, dict[str, Array]]) -> None:
    program, inputs = product
    target = cimc.load_target("rram-256x256-c4").with_noise(programming_noise=0.1)
    found = program.run(inputs, target=target)["y"]
    assert not np.array_equal(found[:4], found[4:])


def test_a_range_that_is_calibrated_after_a_run_counts(
    product: tuple[cimc.Program, dict[str, Array]], tmp_path: Path
) -> None:
    program, inputs = product
    set_target(program.module, cimc.load_target("rram-256x256-c4").with_adc(3))
    before = program.run(inputs)["y"]
    save_npz(tmp_path / "data.npz", inputs)
    XbarCalibrateAdcPass(str(tmp_path / "data.npz")).apply(program.ctx, program.module)
    after = program.run(inputs)["y"]
    assert not np.array_equal(after, before)
    program.save(tmp_path / "calibrated.mlir")
    np.testing.assert_array_equal(cimc.load(tmp_path / "calibrated.mlir").run(inputs)["y"], after)


def test_read_noise_is_new_in_each_batch_and_cycle(model: Path) -> None:
    first, second = run_twice(program_of(model, small(6)), small(6).with_noise(read_noise=0.1))
    assert np.all(first != second)


def test_stuck_cells_belong_to_the_crossbar(model: Path, tmp_path: Path) -> None:
    program = program_of(model, small(3))
    faulty = small(3).with_noise(stuck_at_off=0.2, stuck_at_on=0.1)
    first, second = run_twice(program, faulty)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, program.run(X)["y"][0])
    # The columns of the first output are stuck in the crossbar, so they are for both tiles.
    off = np.zeros((1, 3, 16), bool)
    off[0, :, :4] = True
    np.savez(tmp_path / "map.npz", stuck_at_off=off, stuck_at_on=np.zeros_like(off))
    mapped = small(3).with_noise(fault_map=str(tmp_path / "map.npz"))
    found, exact = program.run(X, target=mapped)["y"][0], program.run(X)["y"][0]
    np.testing.assert_array_equal(found[1:], exact[1:])
    blank = program.run(np.zeros_like(X))["y"][0]  # what a layer gives whose sums are 0
    assert found[0] == blank[0] != exact[0]


def test_nothing_conducts_if_all_cells_are_stuck_at_off(model: Path) -> None:
    program = program_of(model, small(6))
    blank = program.run(np.zeros_like(X))["y"]
    np.testing.assert_array_equal(program.run(X, target=small(6).with_noise(stuck_at_off=1.0))["y"], blank)
    assert not np.array_equal(program.run(X)["y"], blank)


def test_resistive_wires_take_from_what_arrives(model: Path) -> None:
    program = program_of(model, small(6))
    blank, exact = program.run(np.zeros_like(X))["y"], program.run(X)["y"]
    losses: list[float] = []
    for ohm in (0.0, 10.0, 1000.0, 1e6):
        found = program.run(X, target=small(6).with_noise(row_ohm=ohm, column_ohm=ohm))["y"]
        losses.append(float(np.abs(found - blank).sum() / np.abs(exact - blank).sum()))
    assert losses[0] == 1
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.01


def test_a_chip_is_kept_until_another_one_is_asked_for(model: Path) -> None:
    program = program_of(model, small(6))
    chip = program.chip()
    assert program.chip(small(6)) is chip
    assert program.chip(seed=1) is not chip


def test_a_chip_of_another_size_is_refused(model: Path) -> None:
    program = program_of(model, small(6))
    with pytest.raises(CimcError, match="a tile of 6x16 cells does not fit crossbar 0 of 5x16"):
        program.run(X, target=small(5))


def one_by_one(readings: list[TileReading], inputs: int, sums: int) -> list[TileReading]:
    return readings


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("adc_bits", [None, 4])
def test_tiles_read_together_give_what_they_give_one_by_one(
    adc_bits: int | None, noise: float, tmp_path: Path
) -> None:
    path = tmp_path / "conv.onnx"
    path.write_bytes(serialized(conv()))
    x = weights(2, 3, 8, 8)
    # 12 rows and 8 columns: no output of two digits in pairs is cut.
    target = cimc.Target("tiny", rows=12, cols=8)
    cimc.compile(path, calibrate={"x": x}, target=target, opt_level=0).save(tmp_path / "conv.mlir")
    chip = target.with_adc(adc_bits).with_noise(programming_noise=noise)
    together = cimc.load(tmp_path / "conv.mlir").run(x, target=chip)["y"]
    with patch("cimc.interpreters.products.merged", one_by_one):
        apart = cimc.load(tmp_path / "conv.mlir").run(x, target=chip)["y"]
    np.testing.assert_array_equal(together, apart)


def test_an_interrupted_run_leaves_nothing(model: Path) -> None:
    program = program_of(model, small(3))
    expected = program.run(X)["y"]
    interrupted = patch("cimc.interpreters.products.Products._add", side_effect=KeyboardInterrupt)
    with interrupted, pytest.raises(KeyboardInterrupt):
        program.run(X)
    np.testing.assert_array_equal(program.run(X)["y"], expected)

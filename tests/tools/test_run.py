"""`cimc run` and `cimc calibrate-adc` on chips that are not ideal."""

import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from command_line import cimc as command
from tiny_models import conv, dense, model, node, serialized, weights

import cimc
from cimc.program import Chip
from cimc.runtime.arrays import Array

PICTURES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a compiled network of three layers, `program.mlir`, and labelled pictures, `x.npz`."""
    path = tmp_path_factory.mktemp("run")
    (path / "conv.onnx").write_bytes(serialized(conv()))
    x = weights(PICTURES, 3, 8, 8)
    np.savez(path / "x.npz", x=x, y=np.arange(PICTURES) % 5)
    program = cimc.compile(path / "conv.onnx", calibrate={"x": x}, batch=4)
    program.save(path / "program.mlir")
    return path


def outputs(folder: Path, *options: str | Path) -> Array:
    """The outputs of a run with options."""
    y = folder / "y.npz"
    outcome = command("run", folder / "program.mlir", "--input", folder / "x.npz", "-o", y, *options)
    assert outcome.code == 0, outcome.err
    with np.load(y) as data:
        return data["y"]


NOISE = ("--noise", "read_noise=0.05", "--noise", "programming_noise=0.02", "--noise", "stuck_at_off=0.05")


@pytest.mark.parametrize("options", [(), ("--adc-bits", "16")])
def test_a_lossless_chip_gives_the_exact_numbers(folder: Path, options: tuple[str, ...]) -> None:
    program = cimc.load(folder / "program.mlir")
    with np.load(folder / "x.npz") as data:
        np.testing.assert_array_equal(outputs(folder, *options), program.run(data["x"])["y"])


def test_a_trial_is_the_same_whatever_runs_beside_it(folder: Path) -> None:
    three = outputs(folder, *NOISE, "--trials", "3", "--seed", "7")
    assert three.shape == (3, PICTURES, 5)
    np.testing.assert_array_equal(outputs(folder, *NOISE, "--trials", "2", "--seed", "7"), three[:2])
    np.testing.assert_array_equal(outputs(folder, *NOISE, "--seed", "7"), three[0])
    workers = outputs(folder, *NOISE, "--trials", "3", "--seed", "7", "--workers", "2")
    np.testing.assert_array_equal(workers, three)
    assert len({trial.tobytes() for trial in three}) == 3
    assert not np.array_equal(outputs(folder, *NOISE, "--seed", "8"), three[0])


def test_batches_run_in_any_order(folder: Path) -> None:
    program = cimc.load(folder / "program.mlir")
    target = cimc.load_target("rram-256x256-c4").with_noise(read_noise=0.1, programming_noise=0.1)
    with np.load(folder / "x.npz") as data:
        x = data["x"]
        expected = program.run(x, target=target)["y"]
    chip = program.chip(target, seed=0, trial=1)  # another one, so that nothing is left of the first
    chip = program.chip(target)
    for number in (2, 0, 1):
        found = chip.run_batch(number, {"x": x[4 * number : 4 * number + 4]})["y"]
        np.testing.assert_array_equal(found, expected[4 * number : 4 * number + 4])


def test_accuracy_and_its_spread_are_printed(folder: Path) -> None:
    run_ = ("run", folder / "program.mlir", "--input", folder / "x.npz")
    once = command(*run_)
    assert re.search(r"^accuracy: \d+\.\d\d % of 12 pictures$", once.out, re.M)
    outcome = command(*run_, *NOISE, "--trials", "4")
    with np.load(folder / "x.npz") as data:
        labels = data["y"]
    found = outputs(folder, *NOISE, "--trials", "4").argmax(axis=2)
    shares = 100 * (found == labels).mean(axis=1)
    assert (
        f"accuracy in 4 trials of 12 pictures, in percent: mean {shares.mean():.2f}, deviation "
        f"{shares.std(ddof=1):.2f}, from {shares.min():.2f} to {shares.max():.2f}; quantiles 5 %: "
    ) in outcome.out


def test_without_labels_trials_are_compared_with_an_ideal_chip(folder: Path) -> None:
    with np.load(folder / "x.npz") as data:
        np.savez(folder / "unlabelled.npz", x=data["x"])
    inputs = ("--input", folder / "unlabelled.npz")
    outcome = command("run", folder / "program.mlir", *inputs, "--adc-bits", "16", "--trials", "2")
    assert "the same class as on an ideal chip in 2 trials of 12 pictures" in outcome.out
    assert "in percent: mean 100.00, deviation 0.00, from 100.00 to 100.00; " in outcome.out


def test_clipping_is_counted_and_named(folder: Path) -> None:
    calibrated = folder / "calibrated.mlir"
    options = ("--data", folder / "x.npz", "--adc-bits", "5", "--method", "percentile", "--percentile", "90")
    made = command("calibrate-adc", folder / "program.mlir", *options, "-o", calibrated)
    assert (made.code, made.out, made.err) == (0, "", "")
    outcome = command("run", calibrated, "--input", folder / "x.npz")
    assert outcome.code == 0
    assert outcome.err.startswith("cimc: warning: sums are out of the ADCs' range in ")
    layers = dict(re.findall(r"(\S+) \((\S+) % of its reads\)", outcome.err))
    assert {"conv.weight.1", "dw", "fc"} >= layers.keys() > set()
    assert all(0 < float(share) < 100 for share in layers.values())
    # The data are those of the calibration, so of the first layer a tenth of the reads at most is clipped;
    # later ones see other numbers than on the ideal chip that was calibrated.
    assert float(layers.get("conv.weight.1", 0)) <= 10


def test_a_calibrated_program_needs_no_option_and_is_better(folder: Path) -> None:
    exact, full = outputs(folder), outputs(folder, "--adc-bits", "6")
    calibrated = folder / "calibrated.mlir"
    command(
        "calibrate-adc",
        folder / "program.mlir",
        "--data",
        folder / "x.npz",
        "--adc-bits",
        "6",
        "-o",
        calibrated,
    )
    run_ = ("run", calibrated, "--input", folder / "x.npz", "-o", folder / "z.npz")
    assert command(*run_).code == 0
    with np.load(folder / "z.npz") as data:
        found = data["y"]
    assert np.square(found - exact).mean() < np.square(full - exact).mean() / 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--noise", "read_noise"), "--noise read_noise: give KEY=VALUE, where KEY is one of column_ohm,"),
        (("--noise", "colour=1"), "--noise colour=1: give KEY=VALUE"),
        (("--noise", "read_noise=-1"), "cells: read_noise must be 0 or more, got -1"),
        (
            ("--noise", "read_noise=[1"),
            "--noise read_noise: no value that a target file could hold: [1",
        ),
        (("--noise", "read_kind=pink"), "cells: read_kind must be one of additive"),
        (("--noise", "levels=[0, 1]"), "cells: levels must hold 16 conductances for 4 bits, got 2"),
        (("--noise", f"read_noise={10**400}"), "cells: read_noise must be 0 or more, got 1000"),
        (("--noise", f"read_noise={'1' * 5000}"), ": no value that a target file could hold: "),
        (("--noise", f"levels={'[' * 5000}"), ": no value that a target file could hold: "),
        (("--noise", "read_noise=low"), "--noise read_noise: no value that a target file could hold: low"),
        (("--noise", "fault_map=no.npz"), "fault map no.npz: cannot be read: No such file"),
        (("--noise", "fault_map='no.npz'"), "fault map no.npz: cannot be read: No such file"),
        (("--adc-bits", "1"), "1 is not in the range 2<=x<=16"),
        (("--trials", "0"), "0 is not in the range 1<=x<=100000"),
    ],
)
def test_wrong_options(folder: Path, options: tuple[str, ...], message: str) -> None:
    outcome = command("run", folder / "program.mlir", "--input", folder / "x.npz", *options)
    assert outcome.fault is None
    assert outcome.code == 1
    assert message in outcome.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04, but no archive", "cannot be read as .npz: File is not a zip file"),
        (b"\x93NUMPY", "not a .npz file (an archive of arrays, as numpy.savez writes)"),
    ],
)
def test_a_fault_map_that_is_none(content: bytes, message: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "map.npz").write_bytes(content)
    options = ("--noise", f"fault_map='{tmp_path / 'map.npz'}'")
    outcome = command("run", folder / "program.mlir", "--input", folder / "x.npz", *options)
    assert outcome.fault is None
    assert outcome.err == f"cimc: error: fault map {tmp_path / 'map.npz'}: {message}\n"


@pytest.mark.parametrize(
    ("data", "message"), [({"y": np.zeros(3, int)}, "int64 [3]"), ({"y": np.zeros(12)}, "float64 [12]")]
)
def test_wrong_labels(folder: Path, data: dict[str, Any], message: str) -> None:
    with np.load(folder / "x.npz") as given:
        np.savez(folder / "wrong.npz", x=given["x"], **data)
    outcome = command("run", folder / "program.mlir", "--input", folder / "wrong.npz")
    assert outcome.fault is None
    expected = f"'y' must hold a whole number for each of the 12 pictures of 'x', got {message}"
    assert expected in outcome.err


def test_outputs_that_are_no_scores_have_no_accuracy(tmp_path: Path) -> None:
    product = model([node("MatMul", "x w", "y")], ["N", 6, 5], w=weights(5, 4))
    (tmp_path / "product.onnx").write_bytes(serialized(product))
    x = weights(2, 6, 5)
    cimc.compile(tmp_path / "product.onnx", calibrate={"x": x}, batch=2).save(tmp_path / "product.mlir")
    np.savez(tmp_path / "x.npz", x=x)
    run_ = ("run", tmp_path / "product.mlir", "--input", tmp_path / "x.npz", "-o", tmp_path / "y.npz")
    outcome = command(*run_, "--adc-bits", "4", "--trials", "2")
    assert outcome.fault is None
    assert "accuracy: not known: the output 'y' has shape [2, 6, 4], not [pictures, classes]" in outcome.out
    with np.load(tmp_path / "y.npz") as data:
        assert data["y"].shape == (2, 2, 6, 4)


@pytest.mark.parametrize("options", [("--adc-bits", "4"), ("--noise", "read_noise=0.1")])
def test_a_program_without_crossbars_has_no_noise(options: tuple[str, str], folder: Path) -> None:
    cimc.compile(folder / "conv.onnx", calibrate=folder / "x.npz", emit="cim").save(folder / "cim.mlir")
    outcome = command("run", folder / "cim.mlir", "--input", folder / "x.npz", *options)
    assert outcome.fault is None
    assert "nothing runs on crossbars, so --adc-bits and --noise do not change anything" in outcome.err


def test_calibration_needs_to_know_the_adc(folder: Path) -> None:
    out = folder / "never.mlir"
    outcome = command("calibrate-adc", folder / "program.mlir", "--data", folder / "x.npz", "-o", out)
    assert outcome.fault is None
    assert "the ADCs of target rram-256x256-c4 are ideal: say first how many bits they have" in outcome.err
    assert not out.exists()


def test_interrupted_trials_are_not_lost(folder: Path) -> None:
    real, calls = Chip.run_batch, 0

    def interrupted(self: Chip, number: int, inputs: Any) -> dict[str, Array]:
        nonlocal calls
        calls += 1
        if calls == 8:  # in the third trial of three batches each
            raise KeyboardInterrupt
        return real(self, number, inputs)

    y = folder / "interrupted.npz"
    with patch.object(Chip, "run_batch", interrupted):
        outcome = command(
            "run", folder / "program.mlir", "--input", folder / "x.npz", *NOISE, "--trials", "5", "-o", y
        )
    assert outcome.code == 130
    assert "accuracy in 2 trials of 12 pictures" in outcome.out
    assert outcome.err.endswith("cimc: interrupted; nothing half written is left\n")
    assert not y.exists()
    with patch.object(Chip, "run_batch", side_effect=KeyboardInterrupt):
        outcome = command("run", folder / "program.mlir", "--input", folder / "x.npz", "--trials", "5")
    assert (outcome.code, outcome.out) == (130, "")


def test_a_pair_of_cells_is_free_of_what_its_cells_leak(tmp_path: Path) -> None:
    """At a finite on/off ratio, differential pairs stay exact and an offset does not."""
    (tmp_path / "dense.onnx").write_bytes(serialized(dense()))
    x = weights(20, 6)
    target = cimc.load_target("rram-256x256-c4").with_noise(on_off_ratio=10.0)
    for mapping in ("differential-column", "differential-row", "offset"):
        program = cimc.compile(tmp_path / "dense.onnx", calibrate={"x": x}, mapping=mapping, opt_level=0)
        same = np.array_equal(program.run(x, target=target)["y"], program.run(x)["y"])
        assert same == mapping.startswith("differential")


def test_balanced_digits_are_no_digits_for_real_adcs(tmp_path: Path) -> None:
    (tmp_path / "dense.onnx").write_bytes(serialized(dense()))
    x = weights(4, 6)
    np.savez(tmp_path / "x.npz", x=x)
    ideal = cimc.load_target("rram-256x256-c1")
    for target, warns in ((ideal, True), (ideal.with_adc(8), False)):
        cimc.compile(tmp_path / "dense.onnx", calibrate={"x": x}, target=target).save(tmp_path / "p.mlir")
        outcome = command("run", tmp_path / "p.mlir", "--input", tmp_path / "x.npz", "--adc-bits", "8")
        assert outcome.code == 0
        assert ("digits do not carry the sign of their weight in w" in outcome.err) == warns

"""Wrong input of every kind: exit code 1, one message that names what is wrong, and nothing left behind."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pytest
from command_line import Outcome, cimc, cimc_opt
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tiny_models import MODELS, conv, dense, model, node, reshapes, serialized, weights

from cimc.passes.onnx_fold_constants import OnnxFoldConstantsPass

_helper = cast(Any, helper)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a valid model, its data, and programs at two levels."""
    (tmp_path / "dense.onnx").write_bytes(serialized(dense()))
    np.savez(tmp_path / "x.npz", x=weights(3, 6))
    (tmp_path / "policy.json").write_text('{"w": {"weight_bits": 4, "activation_bits": 5}}')
    (tmp_path / "target.toml").write_text("rows = 16\ncols = 8\n")
    for level in ("onnx", "xbar"):
        made = cimc(
            tmp_path / "dense.onnx",
            "--calibrate",
            tmp_path / "x.npz",
            f"--emit={level}",
            "-o",
            tmp_path / f"{level}.mlir",
        )
        assert made.code == 0, made.err
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def check_failure(outcome: Outcome, *parts: str) -> None:
    """Asserts that a command has failed in the way that the contract says, with `parts` in its message."""
    assert outcome.fault is None
    assert outcome.code == 1
    assert not outcome.out
    message = outcome.err.split("error: ", 1)[1]
    for part in parts:
        assert part in message


def refused(folder: Path, arguments: str, *parts: str) -> None:
    """Asserts that `cimc ARGUMENTS` fails in `folder`, which holds its files, and leaves it as it was."""
    before = snapshot(folder)
    with patch_directory(folder):
        check_failure(cimc(*arguments.split()), *parts)
    assert snapshot(folder) == before


class patch_directory:
    """A context in another working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.before = os.getcwd()
        os.chdir(self.folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.before)


COMPILE = "bad.onnx --bits 8,8 --calibrate x.npz -o out.mlir"


def model_refused(folder: Path, proto: Any, *parts: str) -> None:
    """Asserts that a model does not compile."""
    (folder / "bad.onnx").write_bytes(serialized(proto))
    refused(folder, COMPILE, *parts)


# ONNX files


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["graph"]),
        (b"this is a text, no model\n" * 9, ["bad.onnx"]),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), ["bad.onnx"]),
        (serialized(dense())[:-20], ["bad.onnx"]),
        (serialized(dense())[:50], ["bad.onnx"]),
        (b"PK\x03\x04" + bytes(40), ["bad.onnx"]),
    ],
)
def test_file_that_is_no_model(folder: Path, content: bytes, parts: list[str]) -> None:
    (folder / "bad.onnx").write_bytes(content)
    refused(folder, COMPILE, *parts)


def test_missing_file(folder: Path) -> None:
    refused(folder, "nowhere.onnx -o out.mlir", "nowhere.onnx", "no such file")


def test_directory_as_model(folder: Path) -> None:
    refused(folder, ". -o out.mlir", "no such file")


def changed(change: "Edit", build: Callable[[], ModelProto] = dense) -> Any:
    """A model with a change."""
    proto = build()
    change(proto)
    return proto


Edit = Callable[[Any], object]


def edit(change: Edit) -> Edit:
    """A change, with its type."""
    return change


def set_opset(version: int) -> Edit:
    def change(proto: Any) -> None:
        proto.opset_import[0].version = version

    return change


def set_input_dim(axis: int, size: int | str) -> Edit:
    def change(proto: Any) -> None:
        dim = proto.graph.input[0].type.tensor_type.shape.dim[axis]
        if isinstance(size, str):
            dim.dim_param = size
        else:
            dim.dim_value = size

    return change


def set_input_type(elem_type: int) -> Edit:
    def change(proto: Any) -> None:
        proto.graph.input[0].type.tensor_type.elem_type = elem_type

    return change


def to_sequence(proto: Any) -> None:
    proto.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (edit(lambda m: m.ClearField("graph")), ["graph"]),
        (edit(lambda m: m.graph.ClearField("output")), ["output"]),
        (edit(lambda m: m.ClearField("opset_import")), ["opset"]),
        (set_opset(0), ["opset 0", "supported"]),
        (set_opset(9999), ["opset 9999", "export"]),
        (edit(lambda m: m.graph.output[0].__setattr__("name", "z")), ["'z'"]),
        (edit(lambda m: m.graph.node.pop()), ["'y'"]),
        (edit(lambda m: m.graph.node.append(m.graph.node[0])), ["'y'", "twice"]),
        (edit(lambda m: m.graph.input.append(m.graph.input[0])), ["'x'", "twice"]),
        (edit(lambda m: m.graph.initializer.pop(0)), ["'w'", "Gemm"]),
        (edit(lambda m: m.graph.node[0].input.__setitem__(0, "y")), ["'y'", "Gemm"]),
        (edit(lambda m: m.graph.node[0].input.__setitem__(1, "")), ["Gemm_y", "'b'"]),
        (edit(lambda m: m.graph.node[0].output.pop()), ["no output"]),
        (edit(lambda m: m.graph.node[0].input.append("x")), ["Gemm_y", "4 inputs"]),
        (edit(lambda m: m.graph.input[0].type.tensor_type.ClearField("shape")), ["'x'", "shape"]),
        (set_input_dim(1, "width"), ["'x'", "'width'", "axis 1"]),
        (set_input_dim(1, 7), ["Gemm_y", "7"]),
        (set_input_dim(0, 1 << 60), ["'x'", "too large"]),
        (set_input_type(TensorProto.STRING), ["'x'"]),
        (set_input_type(TensorProto.COMPLEX64), ["'x'", "complex64"]),
        (set_input_type(TensorProto.UNDEFINED), ["'x'", "type"]),
        (set_input_type(TensorProto.DOUBLE), ["Gemm_y"]),
        (set_input_type(TensorProto.INT64), ["Gemm_y"]),
        (to_sequence, ["'x'", "tensor"]),
        (edit(lambda m: m.graph.sparse_initializer.add()), ["sparse"]),
        (edit(lambda m: m.graph.initializer[0].dims.__setitem__(0, 9)), ["'w'"]),
        (edit(lambda m: m.graph.initializer[0].__setattr__("raw_data", b"123")), ["'w'"]),
        (edit(lambda m: m.graph.initializer[0].__setattr__("data_type", 99)), ["'w'"]),
    ],
)
def test_model_that_is_not_valid(folder: Path, change: Edit, parts: list[str]) -> None:
    model_refused(folder, changed(change), *parts)


@pytest.mark.parametrize(
    ("op_type", "domain", "parts"),
    [
        ("ConvTranspose", "", ["upsampling"]),
        ("LSTM", "", ["unroll"]),
        ("If", "", ["branches"]),
        ("Loop", "", ["loops"]),
        ("Resize", "", ["scale pictures"]),
        ("QLinearConv", "", ["QDQ"]),
        ("NonMaxSuppression", "", ["docs/onnx.md"]),
        ("FusedConv", "com.microsoft", ["com.microsoft", "docs/onnx.md"]),
        ("Relu", "my.domain", ["my.domain"]),
    ],
)
def test_unsupported_operator(folder: Path, op_type: str, domain: str, parts: list[str]) -> None:
    proto: Any = model([_helper.make_node(op_type, ["x"], ["y"], name="the_node", domain=domain)], [1, 6])
    model_refused(folder, proto, "'the_node'", op_type, "opset 21", *parts)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_layers_of_other_floats(folder: Path, dtype: str) -> None:
    elem_type = {"float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE}[dtype]
    proto = model([node("MatMul", "x w", "y")], [1, 6], elem_type=elem_type, w=weights(6, 4).astype(dtype))
    model_refused(folder, proto, "MatMul_y", "float32")


@pytest.mark.parametrize(
    ("operator", "attributes", "parts"),
    [
        ("MaxPool", {"kernel_shape": [10**9, 1], "pads": [10**9, 0, 10**9, 0]}, ["too large"]),
        ("MaxPool", {"kernel_shape": [9, 9]}, ["does not fit"]),
        ("MaxPool", {"kernel_shape": [0, 1]}, ["at least 1"]),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [0, 1]}, ["at least 1"]),
        ("MaxPool", {"kernel_shape": [2, 2], "pads": [-1, 0, 0, 0]}, ["negative"]),
        ("MaxPool", {"kernel_shape": [2, 2], "pads": [10**12, 0, 0, 0]}, ["too large"]),
        ("MaxPool", {"kernel_shape": "ab"}, ["kernel_shape"]),
        ("MaxPool", {"kernel_shape": [2, 2], "auto_pad": "SOMEHOW"}, ["SOMEHOW"]),
        ("MaxPool", {"kernel_shape": [2, 2], "surprise": 1}, ["surprise"]),
        ("MaxPool", {}, ["kernel_shape"]),
        ("Transpose", {"perm": [0, 0, 1, 2]}, ["perm"]),
        ("Flatten", {"axis": 9}, ["axis 9"]),
    ],
)
def test_attributes(folder: Path, operator: str, attributes: dict[str, Any], parts: list[str]) -> None:
    proto = model([node(operator, "x", "y", **attributes)], [1, 3, 4, 4])
    model_refused(folder, proto, f"{operator}_y", *parts)


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        ("Reshape", [10**12]),
        ("Reshape", [7, 7]),
        ("Expand", [10**6, 10**6]),
        ("ConstantOfShape", [10**12]),
        ("ConstantOfShape", [-1]),
        ("Pad", [0, 10**12, 0, 0]),
        ("Pad", [1 << 62, 1 << 62, 1 << 62, 1 << 62]),
        ("Slice", [0]),
    ],
)
def test_sizes_that_constants_hold(folder: Path, operator: str, values: list[int]) -> None:
    inputs = "s" if operator == "ConstantOfShape" else "x s"
    nodes = [node(operator, inputs, "y")]
    model_refused(folder, model(nodes, [1, 6], s=np.array(values, np.int64)), f"{operator}_y")


def test_size_that_is_known_only_when_the_import_is_executed(folder: Path) -> None:
    proto: Any = reshapes()
    (pads,) = [tensor for tensor in proto.graph.initializer if tensor.name == "pads"]
    pads.CopyFrom(numpy_helper.from_array(np.array([0, 1, 0, 0, 10**12, 0]), "pads"))
    (folder / "bad.onnx").write_bytes(serialized(proto))
    refused(folder, "bad.onnx --check-each-pass -o out.mlir", "'Pad_o'", "too large")


def test_gather_out_of_range(folder: Path) -> None:
    nodes = [node("Shape", "x", "s"), node("Gather", "s i", "g"), node("Reshape", "x g", "y")]
    model_refused(folder, model(nodes, [1, 6], i=np.array([5], np.int64)), "Gather_g")


def test_shape_known_only_at_run_time(folder: Path) -> None:
    nodes = [node("Cast", "x", "i", to=TensorProto.INT64), node("Reshape", "x i", "y")]
    model_refused(folder, model(nodes, [2]), "Reshape_y", "run time")


def test_weights_computed_at_run_time(folder: Path) -> None:
    model_refused(folder, model([node("Conv", "x x", "y")], [1, 1, 3, 3]), "Conv_y", "run time")


def test_duplicate_node_names(folder: Path) -> None:
    def same_names(proto: Any) -> None:
        for entry in proto.graph.node:
            entry.name = "same"

    (folder / "same.onnx").write_bytes(serialized(changed(same_names, conv)))
    np.savez(folder / "c.npz", x=weights(1, 3, 8, 8))
    outcome = cimc(folder / "same.onnx", "--calibrate", folder / "c.npz", "-o", folder / "same.mlir")
    assert (outcome.code, outcome.fault) == (0, None)


# External data


def external(location: str, length: int = 96) -> Any:
    """The dense model with its weights in another file."""
    proto: Any = dense()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return proto


def test_external_data(folder: Path) -> None:
    (folder / "w.bin").write_bytes(weights(4, 6).tobytes())
    (folder / "good.onnx").write_bytes(serialized(external("w.bin")))
    assert cimc(folder / "good.onnx", "--calibrate", folder / "x.npz").fault is None


@pytest.mark.parametrize(
    ("location", "length"),
    [("nowhere.bin", 96), ("short.bin", 96), ("short.bin", 20), ("../outside.bin", 96), (".", 96)],
)
def test_bad_external_data(folder: Path, location: str, length: int) -> None:
    (folder / "short.bin").write_bytes(bytes(20))
    (folder.parent / "outside.bin").write_bytes(bytes(96))
    model_refused(folder, external(location, length))


# Precision


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"ww": {"weight_bits": 4, "activation_bits": 5}}', ["'ww'", "'w'"]),
        ('{"w": {"weight_bits": 1, "activation_bits": 5}}', ["'w'", "weight_bits", "from 2 to 8", "1"]),
        ('{"w": {"weight_bits": 4, "activation_bits": 99}}', ["activation_bits", "99"]),
        ('{"w": {"weight_bits": 4.5, "activation_bits": 5}}', ["whole number", "4.5"]),
        ('{"w": {"weight_bits": "4", "activation_bits": 5}}', ["whole number", "'4'"]),
        ('{"w": {"weight_bits": true, "activation_bits": 5}}', ["whole number"]),
        ('{"w": {"weight_bits": NaN, "activation_bits": 5}}', ["whole number"]),
        ('{"w": {"weight_bits": 4}}', ["'w'", "activation_bits"]),
        ('{"w": {"weight_bits": 4, "activation_bits": 5, "x": 1}}', ["'w'"]),
        ('{"w": 4}', ["'w'", "4"]),
        ('{"layers": 4}', ["'layers'"]),
        ("[1, 2]", ["object"]),
        ("4", ["object"]),
        ("{", ["JSON"]),
        ("", ["JSON"]),
        ("[" * 100_000, ["JSON"]),
        ("\xff", ["policy"]),
    ],
)
def test_policy(folder: Path, text: str, parts: list[str]) -> None:
    (folder / "bad.json").write_bytes(text.encode("latin-1"))
    refused(folder, "dense.onnx --policy bad.json --emit=report", *parts)


@pytest.mark.parametrize("file", ["nowhere.json", "."])
def test_missing_policy(folder: Path, file: str) -> None:
    refused(folder, f"dense.onnx --policy {file} --emit=report", file)


@pytest.mark.parametrize("name", ['a "b".json', "a\\nb.json", "é {x=1},.json"])
def test_policy_in_a_file_of_any_name(folder: Path, name: str) -> None:
    (folder / "policy.json").rename(folder / name)
    outcome = cimc(folder / "dense.onnx", "--policy", folder / name, "--emit=report")
    assert (outcome.code, outcome.fault) == (0, None)


@pytest.mark.parametrize("bits", ["8", "8,", "8,8,8", "a,b", "1,8", "8,9", "4.5,8", "0,0", "-4,4", ","])
def test_bits(folder: Path, bits: str) -> None:
    refused(folder, f"dense.onnx --bits={bits} --emit=report", "bits")


def test_bits_and_policy(folder: Path) -> None:
    refused(folder, "dense.onnx --bits 8,8 --policy policy.json --emit=report", "not both")


# Targets


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("rows = ", ["TOML"]),
        ("rows = 16\nrows = 16", ["TOML"]),
        ("[[[", ["TOML"]),
        ("rowz = 16", ["'rowz'", "rows"]),
        ('rows = "16"', ["rows", "'16'"]),
        ("rows = 16.0", ["rows"]),
        ("rows = true", ["rows"]),
        ("rows = 0", ["rows", "from 1"]),
        ("rows = -4", ["rows", "-4"]),
        ("cols = 100000000", ["cols"]),
        ("cols = 7", ["even", "cols", "7"]),
        ('rows = 7\nmapping = "differential-row"', ["even", "rows"]),
        ("cell_bits = 9", ["cell_bits", "8"]),
        ("dac_bits = 0", ["dac_bits"]),
        ("crossbars = 0", ["crossbars"]),
        ("write_us = 0", ["write_us"]),
        ("write_us = -1.0", ["write_us"]),
        ("mvm_us = nan", ["mvm_us", "nan"]),
        ("mvm_us = inf", ["mvm_us"]),
        ("mvm_us = 1e-30", ["mvm_us", "picosecond"]),
        ("mvm_us = 1e300", ["mvm_us"]),
        ('mvm_us = "fast"', ["mvm_us"]),
        ('mapping = "random"', ["mapping", "offset"]),
        ("name = 5", ["name"]),
        ("adc = 5", ["adc", "table", "5"]),
        ('cells = "ideal"', ["cells", "table"]),
        ("energy = [1]", ["energy", "table"]),
        ("energy = { adc_nj = 1.0 }", ["energy", "'adc_nj'", "adc_pj"]),
        ("energy = { adc_pj = -1.0 }", ["energy", "adc_pj", "-1.0"]),
        ("energy = { source = 2016 }", ["energy", "source", "2016"]),
        ("endurance = { writes = 0 }", ["endurance", "writes", "from 1"]),
        ("endurance = { writes = 1e400 }", ["endurance", "writes", "inf"]),
        ("\xff", ["target"]),
    ],
)
def test_target(folder: Path, text: str, parts: list[str]) -> None:
    (folder / "bad.toml").write_bytes(text.encode("latin-1"))
    refused(folder, "dense.onnx --target bad.toml --emit=report", *parts)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.toml", "."])
def test_unknown_target(folder: Path, name: str) -> None:
    refused(folder, f"dense.onnx --target {name} --emit=report", name, "rram-256x256-c4")


def test_too_many_tiles(folder: Path) -> None:
    proto = model([node("MatMul", "x w", "y")], [1, 600], w=weights(600, 600))
    (folder / "tiny.toml").write_text('rows = 1\ncols = 1\ncell_bits = 8\nmapping = "offset"\n')
    (folder / "wide.onnx").write_bytes(serialized(proto))
    np.savez(folder / "wide.npz", x=weights(1, 600))
    refused(
        folder, "wide.onnx --calibrate wide.npz --target tiny.toml -o out.mlir", "tiles", "larger crossbars"
    )
    with patch_directory(folder):
        assert cimc("wide.onnx", "--target", "tiny.toml", "--emit=report").code == 0


# Options


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("", []),
        ("--emit=cim", ["model"]),
        ("dense.onnx --emit=nothing", ["nothing", "xbar"]),
        ("dense.onnx --what", ["--what"]),
        ("dense.onnx more.onnx", ["more.onnx"]),
        ("dense.onnx -O7", ["7"]),
        ("dense.onnx --crossbars 0", ["crossbars"]),
        ("dense.onnx --crossbars 99999999", ["crossbars"]),
        ("dense.onnx --batch 0", ["batch"]),
        ("dense.onnx --batch 99999999999999", ["too large"]),
        ("dense.onnx --mapping none", ["none", "offset"]),
        ("dense.onnx --format yaml --emit=report", ["yaml"]),
        ("dense.onnx --input x.npz", ["--check-each-pass"]),
        ("dense.onnx --dump-ir policy.json", ["policy.json"]),
        ("run", ["PROGRAM"]),
        ("run xbar.mlir", ["--input"]),
    ],
)
def test_options(folder: Path, arguments: str, parts: list[str]) -> None:
    if not arguments:
        assert cimc().code == 0
        return
    refused(folder, arguments, *parts)


@pytest.mark.parametrize(
    ("output", "parts"),
    [
        ("nowhere/out.mlir", ["nowhere/out.mlir", "folder"]),
        ("policy.json/out.mlir", ["policy.json"]),
        ("out.txt", [".mlir"]),
        ("out", [".mlir"]),
        ("dir.mlir", ["dir.mlir"]),
    ],
)
def test_output(folder: Path, output: str, parts: list[str]) -> None:
    (folder / "dir.mlir").mkdir()
    refused(folder, f"dense.onnx --calibrate x.npz -o {output}", *parts)


def test_output_without_permission(folder: Path) -> None:
    with patch("os.access", side_effect=lambda _, mode: mode != os.W_OK):  # pyright: ignore[reportUnknownLambdaType]
        refused(folder, "dense.onnx --calibrate x.npz -o out.mlir", "permission")


def test_disk_full(folder: Path) -> None:
    with patch("pathlib.Path.write_text", side_effect=OSError(28, "No space left on device", "out.mlir")):
        refused(folder, "dense.onnx --calibrate x.npz -o out.mlir", "No space left")


# Data


def test_float_model_without_calibration(folder: Path) -> None:
    refused(folder, "dense.onnx -o out.mlir", "'w'", "--calibrate")
    assert cimc(folder / "dense.onnx", "--emit=report").code == 0


def arrays_refused(folder: Path, *parts: str, **arrays: Any) -> None:
    """Asserts that arrays serve neither to calibrate nor to run."""
    np.savez(folder / "bad.npz", **arrays)
    refused(folder, "dense.onnx --calibrate bad.npz -o out.mlir", *parts)
    refused(folder, "run xbar.mlir --input bad.npz -o y.npz", *parts)


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({}, ["'x'"]),
        ({"z": weights(1, 6)}, ["'x'", "z"]),
        ({"x": weights(1, 7)}, ["'x'", "[1, 7]", "[1, 6]"]),
        ({"x": weights(6)}, ["'x'", "[6]"]),
        ({"x": np.float32(1)}, ["'x'", "[]"]),
        ({"x": np.zeros((0, 6), np.float32)}, ["fewer"]),
        ({"x": np.array([["a"] * 6])}, ["'x'", "float32"]),
        ({"x": np.ones((1, 6), complex)}, ["'x'", "float32"]),
        ({"x": np.array([[None] * 6])}, ["bad.npz"]),
    ],
)
def test_arrays(folder: Path, arrays: dict[str, Any], parts: list[str]) -> None:
    arrays_refused(folder, *parts, **arrays)


def test_data_that_is_not_finite(folder: Path) -> None:
    for value in (np.nan, np.inf):
        np.savez(folder / "bad.npz", x=np.full((1, 6), value, np.float32))
        refused(folder, "dense.onnx --calibrate bad.npz -o out.mlir", "'w'", "finite")
        with patch_directory(folder):
            assert cimc("run", "xbar.mlir", "--input", "bad.npz").fault is None


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"PK", b"\x93NUMPY\x01\x00v\x00{'descr"])
def test_file_that_is_no_npz(folder: Path, content: bytes) -> None:
    (folder / "bad.npz").write_bytes(content)
    refused(folder, "dense.onnx --calibrate bad.npz -o out.mlir", "bad.npz", "npz")
    refused(folder, "run xbar.mlir --input bad.npz", "bad.npz", "npz")


def test_missing_data(folder: Path) -> None:
    for name in ("nowhere.npz", "."):
        refused(folder, f"dense.onnx --calibrate {name} -o out.mlir", name)
        refused(folder, f"run xbar.mlir --input {name}", name)


def test_damaged_npz(folder: Path) -> None:
    data = (folder / "x.npz").read_bytes()
    for end in (10, 60, len(data) - 30, len(data) - 1):
        (folder / "bad.npz").write_bytes(data[:end])
        refused(folder, "run xbar.mlir --input bad.npz", "bad.npz")
    (folder / "bad.npz").write_bytes(data.replace(b"(3, 6)", b"(9, 6)"))
    refused(folder, "run xbar.mlir --input bad.npz", "bad.npz")


def test_batches_that_do_not_divide(folder: Path) -> None:
    with patch_directory(folder):
        assert cimc("dense.onnx", "--calibrate", "x.npz", "--batch", "3", "-o", "b3.mlir").code == 0
    np.savez(folder / "four.npz", x=weights(4, 6))
    refused(folder, "run b3.mlir --input four.npz", "multiple", "4")


# Programs


def test_missing_program(folder: Path) -> None:
    refused(folder, "run nowhere.mlir --input x.npz", "nowhere.mlir")
    refused(folder, "run . --input x.npz", ".")


def edited(folder: Path, source: str, pattern: str, new: str, count: int = 1) -> None:
    """Writes `bad.mlir`, a program with what `pattern` finds replaced, and its weights."""
    text = (folder / f"{source}.mlir").read_text()
    assert re.search(pattern, text), text
    (folder / "bad.mlir").write_text(re.sub(pattern, new, text, count=count))
    (folder / "bad.safetensors").write_bytes((folder / f"{source}.safetensors").read_bytes())


@pytest.mark.parametrize(
    ("source", "pattern", "new", "parts"),
    [
        ("xbar", r"(?s)^.*$", "", ["bad.mlir"]),
        ("xbar", r"(?s)^.*$", "builtin.module {}", ["main"]),
        ("xbar", r"(?s)xbar\.mvm.*$", "", ["bad.mlir"]),
        ("xbar", r"(?s)^.{40}.*$", "\\0", ["bad.mlir"]),
        ("xbar", r"xbar\.alloc", "xbar.allocate", ["line", "xbar.allocate"]),
        ("xbar", r"@main", "@other", ["main"]),
        ("xbar", r'digest "\w+"', 'digest "0123"', ["digest", "0123"]),
        ("xbar", r"weights\.load @(\S+)", r"weights.load @other", ["'other'"]),
        ("xbar", r"rows 0 to \d+", "rows 0 to 100", ["reaches out"]),
        ("xbar", r"cell_bits 4", "cell_bits 99", ["line", "8"]),
        ("xbar", r"rows = \d+", "rows = 2", ["crossbar", "2x"]),
        ("xbar", r"rows = \d+", "rows = -2", ["rows"]),
        ("xbar", r"index = 0", "index = 7", ["crossbar 7"]),
        ("xbar", r"slices 4", "slices 3", ["bad.mlir"]),
        ("xbar", r"cim\.dequantize", "cim.quantize", ["line"]),
        ("xbar", r'"differential-column"', '"sideways"', ["sideways"]),
        ("xbar", r'mapping = "', 'mapping = "a" b', ["bad.mlir"]),
        ("xbar", r'layer (= )?"w"', r'layer \1"w and what follows of this line', ["line", "string"]),
        ("xbar", r"si32", "si1000000000", ["line", "si1000000000"]),
        ("xbar", r"si32", "si200", ["bad.mlir"]),
        ("xbar", r"xui4>", "xui1000000>", ["weights.load", "ui1000000"]),
        ("onnx", r"transB = 1", "transB = 1.5", ["line"]),
        ("onnx", r"transB = 1", "what = 1", ["what"]),
        ("onnx", r"onnx\.Gemm", "onnx.MatMul", ["line"]),
        ("onnx", r"tensor<1x4xf32>", "tensor<1x5xf32>", ["bad.mlir"]),
        ("onnx", r"tensor<4x6xf32>", "tensor<6x4xf32>", ["bad.mlir"]),
        ("onnx", r"tensor<1x6xf32>", "tensor<1000000000000x6xf32>", ["bad.mlir"]),
        ("onnx", r"func\.func", "arith.func", ["line"]),
        ("onnx", r"func\.return [^:]*", "func.return %zzz ", ["line", "zzz"]),
        ("onnx", r"(?s)\{.*$", "{", ["line"]),
    ],
)
def test_program(folder: Path, source: str, pattern: str, new: str, parts: list[str]) -> None:
    edited(folder, source, pattern, new)
    refused(folder, "run bad.mlir --input x.npz -o y.npz", *parts)


def test_program_that_is_no_text(folder: Path) -> None:
    (folder / "bad.mlir").write_bytes(bytes(range(256)))
    refused(folder, "run bad.mlir --input x.npz", "bad.mlir")


def lines_of(folder: Path, source: str) -> list[str]:
    return (folder / f"{source}.mlir").read_text().splitlines()


def program_of(folder: Path, lines: list[str], source: str) -> None:
    (folder / "bad.mlir").write_text("\n".join(lines) + "\n")
    (folder / "bad.safetensors").write_bytes((folder / f"{source}.safetensors").read_bytes())


def test_use_before_definition(folder: Path) -> None:
    lines = lines_of(folder, "xbar")
    at = next(i for i, line in enumerate(lines) if "cim.quantize" in line)
    lines.insert(at + 3, lines.pop(at))
    program_of(folder, lines, "xbar")
    refused(folder, "run bad.mlir --input x.npz", "later op")


def test_state_used_twice(folder: Path) -> None:
    lines = lines_of(folder, "xbar")
    at = next(i for i, line in enumerate(lines) if "xbar.write" in line)
    lines.insert(at, re.sub(r"%\w+ =", "%again =", lines[at]))
    program_of(folder, lines, "xbar")
    refused(folder, "run bad.mlir --input x.npz", "crossbar", "more than one")


def test_endless_calls(folder: Path) -> None:
    (folder / "bad.mlir").write_text(
        "func.func @main(%x : tensor<1x6xf32>) -> tensor<1x6xf32> {\n"
        "  %y = func.call @main(%x) : (tensor<1x6xf32>) -> tensor<1x6xf32>\n"
        "  func.return %y : tensor<1x6xf32>\n}\n"
    )
    refused(folder, "run bad.mlir --input x.npz")


def test_op_that_cannot_be_executed(folder: Path) -> None:
    (folder / "bad.mlir").write_text(
        "func.func @main(%x : tensor<1x6xf32>) -> tensor<1x6xf32> {\n"
        "  %y = arith.negf %x : tensor<1x6xf32>\n"
        "  func.return %y : tensor<1x6xf32>\n}\n"
    )
    refused(folder, "run bad.mlir --input x.npz", "arith.negf")


def test_weights_file(folder: Path) -> None:
    weights_file = folder / "xbar.safetensors"
    data = weights_file.read_bytes()
    for content in (b"", data[:5], data[:40], data[:-1], b"\xff" * 8 + data[8:], bytes(100)):
        weights_file.write_bytes(content)
        refused(folder, "run xbar.mlir --input x.npz", "xbar.safetensors")
    weights_file.unlink()
    refused(folder, "run xbar.mlir --input x.npz", ".safetensors")
    weights_file.mkdir()
    refused(folder, "run xbar.mlir --input x.npz", ".safetensors")


def test_run_output(folder: Path) -> None:
    refused(folder, "run xbar.mlir --input x.npz -o nowhere/y.npz", "nowhere")
    refused(folder, "run xbar.mlir --input x.npz -o y.txt", ".npz")
    refused(folder, "run xbar.mlir --input x.npz -o .", ".npz")


def test_compare(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    (folder / "conv.onnx").write_bytes(serialized(conv()))
    (folder / "text.onnx").write_text("no model")
    other = model([node("Gemm", "x w", "z")], [1, 6], w=weights(6, 4))
    cast(Any, other).graph.output[0].name = "z"
    (folder / "other.onnx").write_bytes(serialized(other))
    wide = model([node("Gemm", "x w", "y")], [1, 6], w=weights(6, 9))
    (folder / "wide.onnx").write_bytes(serialized(wide))
    for name, part in (
        ("conv.onnx", "onnxruntime"),
        ("text.onnx", "onnxruntime"),
        ("nowhere.onnx", "nowhere.onnx"),
        ("other.onnx", "'y'"),
        ("wide.onnx", "shape"),
    ):
        refused(folder, f"run xbar.mlir --input x.npz --compare {name} -o y.npz", part)


# Interruptions and the environment


def test_interruption_of_a_pass(folder: Path) -> None:
    before = snapshot(folder)
    with patch.object(OnnxFoldConstantsPass, "apply", side_effect=KeyboardInterrupt):
        outcome = cimc(folder / "dense.onnx", "--calibrate", folder / "x.npz", "-o", folder / "out.mlir")
    assert (outcome.code, outcome.err.strip()) == (130, "cimc: interrupted; nothing half written is left")
    assert snapshot(folder) == before


@pytest.mark.parametrize("function", ["cimc.program.Executor.run", "cimc.ir_files.print_module"])
def test_interruption(folder: Path, function: str) -> None:
    before = snapshot(folder)
    with patch(function, side_effect=KeyboardInterrupt), patch_directory(folder):
        if "Executor" in function:
            outcome = cimc("run", "xbar.mlir", "--input", "x.npz", "-o", "y.npz")
        else:
            outcome = cimc("dense.onnx", "--calibrate", "x.npz", "-o", "out.mlir")
    assert (outcome.code, len(outcome.err.strip().splitlines())) == (130, 1)
    assert snapshot(folder) == before


def test_bug_of_ours(folder: Path) -> None:
    with patch.object(OnnxFoldConstantsPass, "apply", side_effect=KeyError("oops")):
        outcome = cimc(folder / "dense.onnx", "-o", folder / "out.mlir")
    assert outcome.code == 1
    assert outcome.err.startswith("cimc: error: internal error: KeyError: 'oops'")
    assert "please report" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def process(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A tool in a process of its own."""
    module = "cimc_main" if command[0] == "cimc" else "opt_main"
    return subprocess.run(
        [sys.executable, "-m", f"cimc.tools.{module}", *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        "cimc nowhere.onnx",
        "cimc dense.onnx --bits 9,9",
        "cimc dense.onnx --calibrate x.npz -o nowhere/out.mlir",
        "cimc run nowhere.mlir --input x.npz",
        "cimc run xbar.mlir --input policy.json",
        "cimc-opt nowhere.mlir",
        "cimc-opt xbar.mlir -p what",
    ],
)
def test_processes(folder: Path, command: str) -> None:
    before = snapshot(folder)
    done = process(folder, *command.split())
    check_failure(Outcome(done.returncode, done.stdout, done.stderr))
    assert snapshot(folder) == before


@pytest.mark.parametrize("size", ["small", "large"])
def test_broken_pipe(folder: Path, size: str) -> None:
    arguments = ["dense.onnx", "--emit=onnx"]
    if size == "large":
        nodes = [node("Relu", f"v{i}" if i else "x", f"v{i + 1}") for i in range(2000)]
        (folder / "long.onnx").write_bytes(serialized(model([*nodes, node("Relu", "v2000", "y")], [1, 6])))
        arguments = ["long.onnx", "--emit=onnx"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "cimc.tools.cimc_main", *arguments],
        cwd=folder,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


# cimc-opt


def opt_refused(folder: Path, arguments: str, *parts: str) -> None:
    """Asserts that `cimc-opt ARGUMENTS` fails in `folder`, and leaves it as it was."""
    before = snapshot(folder)
    with patch_directory(folder):
        outcome = cimc_opt(*arguments.split())
    check_failure(outcome, *parts)
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("nowhere.mlir", ["nowhere.mlir"]),
        (".", []),
        ("x.npz", ["npz"]),
        ("onnx.mlir -p what", ["what"]),
        ("onnx.mlir -p cim-tile{what=1}", ["what"]),
        ("onnx.mlir -p cim-tile{rows=big}", ["big"]),
        ("onnx.mlir -p cim-tile{rows=0}", ["rows"]),
        ("onnx.mlir -p cim-tile{", ["pipeline"]),
        ("onnx.mlir -p cim-tile,,", ["pipeline"]),
        ("xbar.mlir -p cim-place{crossbar=9}", ["crossbar 9"]),
        ('xbar.mlir -p cim-order{by="size"}', ["size"]),
        ("onnx.mlir --what", ["--what"]),
        ("onnx.mlir -t what", ["what"]),
        ("onnx.mlir -o nowhere/out.mlir", ["nowhere"]),
        ("onnx.mlir -o out.mlir -p convert-onnx-to-cim,cim-quantize", ["--calibrate"]),
        ("onnx.mlir -p convert-onnx-to-cim,cim-encode", ["cim-im2col"]),
    ],
)
def test_opt_options(folder: Path, arguments: str, parts: list[str]) -> None:
    opt_refused(folder, arguments, *parts)


@pytest.mark.parametrize(
    "text",
    [
        "func.func @main(",
        '"what.op"() : () -> ()',
        "%x = onnx.Relu(%y) : (tensor<2xf32>) -> tensor<2xf32>",
        'func.func @main() { "unclosed and a lot of words without any end to them }',
        "#cim.quantizer<ui5>",
        "func.func @f() {\n  %x = cim.zeros : tensor<1000000000000xsi8>\n  func.return\n}",
        "\x00\x01",
    ],
)
def test_opt_malformed(folder: Path, text: str) -> None:
    (folder / "bad.mlir").write_text(text)
    opt_refused(folder, "bad.mlir -o out.mlir")


def test_all_seeds_are_valid(tmp_path: Path) -> None:
    for name, build in MODELS.items():
        (tmp_path / "m.onnx").write_bytes(serialized(build()))
        outcome = cimc(tmp_path / "m.onnx", "--emit=report")
        assert (outcome.code, outcome.fault) == (0, None), name


def test_constants_of_the_wrong_type(folder: Path) -> None:
    proto: Any = dense()
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.array([b"a"], object), "w"))
    model_refused(folder, proto, "'w'")

"""Files made to do harm: nothing outside of a folder is read, memory is bounded, names are only names."""

import io
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import cimc
from onnx import TensorProto
from tiny_models import dense, serialized, weights

from cimc import limits
from cimc.tools.progress import count_batches, show_passes, show_work

NAMES = (
    "[red]a[/blue] [bold",
    "</script><script>alert(1)</script>",
    ":smile: {0} %s",
    "quoted \"name\" \\ 'other'",
    "two\nlines\t\x1b[31m",
    "../../outside",
    "é☃\u202e",
    "x" * 3000,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model and its data, in one with a file that is none of its business."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.bin").write_bytes(weights(4, 6).tobytes())
    (inside / "dense.onnx").write_bytes(serialized(dense()))
    np.savez(inside / "x.npz", x=weights(3, 6))
    return inside


def with_weights_in(location: str) -> Any:
    """The dense model with its weights in another file."""
    proto: Any = dense()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "96")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return proto


@pytest.mark.parametrize(
    "way", ["../secret.bin", "sub/../../secret.bin", "absolute", "link", "linked folder", "fifo"]
)
def test_data_outside_of_the_folder_are_not_read(folder: Path, way: str) -> None:
    (folder / "sub").mkdir()
    (folder / "link").symlink_to(folder.parent / "secret.bin")
    (folder / "linked").symlink_to(folder.parent)
    os.mkfifo(folder / "fifo")
    location = {"absolute": str(folder.parent / "secret.bin"), "linked folder": "linked/secret.bin"}.get(
        way, way
    )
    (folder / "bad.onnx").write_bytes(serialized(with_weights_in(location)))
    outcome = cimc(folder / "bad.onnx", "--calibrate", folder / "x.npz", "-o", folder / "out.mlir")
    assert outcome.fault is None
    assert outcome.code == 1
    assert "bad.onnx: cannot be read" in outcome.err
    assert not (folder / "out.mlir").exists()


def npz(path: Path, shape: tuple[int, ...], size: int) -> None:
    """A compressed file of zeros: an array that claims a shape, and has so many bytes."""
    header = io.BytesIO()
    described: dict[str, Any] = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(size))


def test_decompression_bombs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_UNPACKED", 1 << 20)
    npz(folder / "bomb.npz", (1 << 16, 6), 6 << 18)
    outcome = cimc(folder / "dense.onnx", "--calibrate", folder / "bomb.npz", "-o", folder / "out.mlir")
    assert outcome.fault is None
    assert re.search(r"bomb\.npz: .* its arrays would take 0\.00157 GB", outcome.err)


def test_arrays_that_claim_to_be_larger_than_they_are(folder: Path) -> None:
    for rows in (10, 1 << 30, 1 << 60):
        npz(folder / "lies.npz", (rows, 6), 100)
        outcome = cimc(folder / "dense.onnx", "--calibrate", folder / "lies.npz", "-o", folder / "out.mlir")
        assert outcome.fault is None
        assert "lies.npz" in outcome.err


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(folder: Path, name: str) -> None:
    """Of layers and inputs: in tables, pages, programs and messages."""
    proto: Any = dense()
    proto.graph.node[0].name = proto.graph.initializer[0].name = proto.graph.node[0].input[1] = name
    model, program, x = folder / "model.onnx", folder / "program.mlir", folder / "x.npz"
    model.write_bytes(serialized(proto))
    report = cimc(model, "--emit=report")
    made = cimc(model, "--calibrate", x, "-o", program, "--dump-ir", folder / "ir")
    outcomes = [
        report,
        made,
        cimc(model, "--emit=html", "-o", folder / "page.html"),
        cimc(model, "--emit=trace", "-o", folder / "trace.json"),
        cimc(model, "--emit=report", "--format=json", "-o", folder / "report.json"),
        cimc("run", program, "--input", x),
        cimc("explain", program, name),
        cimc("explain", program, "nothing of this name"),
        cimc("diff", program, folder / "report.json"),
        cimc("report", program, folder / "report.json", "-o", folder / "compared.html"),
    ]
    assert [outcome.fault for outcome in outcomes] == [None] * len(outcomes)
    assert [outcome.code or 0 for outcome in outcomes] == [0] * 7 + [1, 0, 0]
    if name.isprintable() and len(name) < 50:
        assert name in "".join(report.out.split("\n"))
    assert "<script>alert" not in (folder / "page.html").read_text()
    assert {path.name for path in folder.parent.iterdir()} == {"secret.bin", "inside"}


@pytest.mark.parametrize("name", NAMES)
def test_progress_shows_any_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_passes(name), show_work(name):
        pass
    with count_batches(name, 2) as advance:
        advance()

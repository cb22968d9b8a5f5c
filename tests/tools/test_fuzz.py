"""Mutated input of every kind: a tool succeeds, or says in one message what is wrong.

`CIMC_FUZZ` is the number of mutations. A case is repeated with
`CIMC_FUZZ_CASE=KIND:SEED pytest tests/tools/test_fuzz.py`.
"""

import os
import random
import re
import resource
import signal
import string
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np
import pytest
from command_line import cimc, cimc_opt
from onnx import AttributeProto, ModelProto, TensorProto
from tiny_models import MODELS, serialized

from cimc import limits

CASES = int(os.environ.get("CIMC_FUZZ", "3000"))
CHUNKS = 2
SECONDS_PER_CASE = 20
MEMORY = 3 << 30
"""Bytes that a test may take beyond what is taken when it begins."""

NUMBERS = (-(1 << 63), -(1 << 31), -1000, -2, -1, 0, 1, 2, 3, 7, 16, 1000, 10**6, 10**9, 10**12, 1 << 60)
SHIPPED = Path(__file__).parents[2] / "examples" / "models" / "fashion_mixed_qcdq.onnx"
LEVELS = ("onnx", "cim", "xbar")
TARGET = """name = "small"
rows = 16
cols = 8
cell_bits = 2
dac_bits = 1
write_us = 56.0
mvm_us = 1.4
crossbars = 2
mapping = "offset"
"""
POLICY = """{"conv.weight": {"weight_bits": 4, "activation_bits": 5},
 "conv": {"weight_bits": 4, "activation_bits": 5},
 "fc": {"weight_bits": 2, "activation_bits": 8}}"""
RESULTS = """{"program": "PROGRAM", "what": "accuracy", "shares": [0.5, 0.75], "pictures": 40}"""


class Hang(BaseException):
    """A case took too long."""


@contextmanager
def guarded() -> Generator[None]:
    """Bounds time and memory of a case."""

    def expire(_: int, __: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, expire)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_CASE)  # of computing: others may be busy, too
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Small limits, so that what is barely allowed is not slow, and a bound for memory."""
    monkeypatch.setattr(limits, "MAX_ELEMENTS", 1 << 22)
    monkeypatch.setattr(limits, "MAX_WINDOW", 1 << 12)
    monkeypatch.setattr(limits, "MAX_TILES", 1 << 10)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of valid files: models, calibration data, and programs at each level."""
    folder = tmp_path_factory.mktemp("seeds")
    rng = np.random.default_rng(0)
    for name, build in MODELS.items():
        proto: Any = build()
        dims = proto.graph.input[0].type.tensor_type.shape.dim
        shape = [dim.dim_value or 1 for dim in dims]
        (folder / f"{name}.onnx").write_bytes(serialized(proto))
        np.savez(folder / f"{name}.npz", x=rng.standard_normal(shape).astype(np.float32))
        model, data = folder / f"{name}.onnx", folder / f"{name}.npz"
        for level in LEVELS:
            output = folder / f"{name}.{level}.mlir"
            made = cimc(model, "--calibrate", data, f"--emit={level}", "-o", output)
            assert made.code == 0, made.err
        report = folder / f"{name}.json"
        assert cimc(model, "--emit=report", "--format=json", "-o", report).code == 0
    return folder


# Mutations. Each takes a random generator and gives a changed copy.


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
    """Flips, deletes, inserts, repeats or cuts off bytes, a few times."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 1, 2, 8, 40))
        kind = rng.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = rng.randbytes(length)
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def mutate_text(rng: random.Random, text: str) -> str:
    """Changes numbers, names and lines of a text, a few times."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        kind = rng.randrange(8)
        if kind <= 2:
            text = _replace_one(rng, text, r"-?\d+(\.\d+)?", str(rng.choice((*NUMBERS, 0.5, 1e-30, 1e30))))
        elif kind == 3:
            words = re.findall(r"%\w+|#?[a-zA-Z_][\w.]*", text)
            text = _replace_one(rng, text, r"%\w+|#?[a-zA-Z_][\w.]*", rng.choice(words or ["x"]))
        elif kind == 4:
            values = re.findall(r"%\w+", text)
            text = _replace_one(rng, text, r"%\w+", rng.choice(values or ["x"]))
        elif kind == 5:
            text = _change_lines(rng, text)
        elif kind == 6:
            types = ["f32", "i64", "si8", "ui5", "si3", "i1", "f64", "bf16", "index", "none", "si200", "ui64"]
            text = _replace_one(rng, text, r"\b([su]?i\d+|f32|f64)\b", rng.choice(types))
        else:
            at, length = rng.randrange(len(text) + 1), rng.choice((0, 1, 1, 5))
            extra = "".join(rng.choices(string.printable + "é%\0", k=rng.choice((0, 1, 2))))
            text = text[:at] + extra + text[at + length :]
    return text


def _replace_one(rng: random.Random, text: str, pattern: str, new: str) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    match = rng.choice(found)
    return text[: match.start()] + new + text[match.end() :]


def _change_lines(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(3)
    if kind == 0:
        del lines[a]
    elif kind == 1:
        lines.insert(a, lines[b])
    else:
        lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def mutate_model(rng: random.Random, proto: ModelProto) -> ModelProto:
    """Changes a few parts of a model, which stays a readable file."""
    model = cast(Any, proto)
    changes = (
        _change_dim,
        _change_attribute,
        _change_list,
        _change_name,
        _change_op,
        _change_type,
        _change_data,
        _change_opset,
        _change_constant,
    )
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(changes)(rng, model)
    return model


def _change_dim(rng: random.Random, model: Any) -> None:
    graph = model.graph
    if rng.random() < 0.5 and graph.input:
        shape = rng.choice(graph.input).type.tensor_type.shape
        if rng.random() < 0.2:
            shape.dim.add().dim_value = rng.choice(NUMBERS)
        elif shape.dim and rng.random() < 0.2:
            del shape.dim[rng.randrange(len(shape.dim))]
        elif shape.dim:
            dim = rng.choice(shape.dim)
            dim.dim_value = rng.choice(NUMBERS)
            if rng.random() < 0.2:
                dim.dim_param = "height"
    elif graph.initializer:
        dims = rng.choice(graph.initializer).dims
        if dims and rng.random() < 0.7:
            dims[rng.randrange(len(dims))] = rng.choice(NUMBERS)
        else:
            dims.append(rng.choice((1, 1, 2, 1 << 40)))


def _change_attribute(rng: random.Random, model: Any) -> None:
    if not model.graph.node:
        return
    node: Any = rng.choice(model.graph.node)
    if not node.attribute or rng.random() < 0.3:
        names = ("axis", "pads", "strides", "group", "kernel_shape", "to", "perm", "alpha", "keepdims", "foo")
        attribute = node.attribute.add()
        attribute.name = rng.choice(names)
        attribute.type = AttributeProto.INT
        attribute.i = rng.choice(NUMBERS)
        return
    attribute = rng.choice(node.attribute)
    kind = rng.randrange(5)
    if kind == 0:
        attribute.type = rng.randrange(15)
    elif kind == 1:
        attribute.name = rng.choice(("axis", "value", "", "pads", "perm", "group"))
    elif kind == 2 and attribute.ints:
        if rng.random() < 0.6:
            attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(NUMBERS)
        else:
            attribute.ints.append(rng.choice(NUMBERS))
    elif kind == 3:
        attribute.s = rng.choice((b"NOTSET", b"SAME_LOWER", b"\xff\xfe", b"", b"FLOOR"))
    else:
        attribute.i = rng.choice(NUMBERS)
        attribute.f = rng.choice((0.0, -1.0, float("nan"), float("inf"), 1e38))


def _change_list(rng: random.Random, model: Any) -> None:
    graph = model.graph
    node = rng.choice(graph.node) if graph.node else None
    lists = [graph.node, graph.input, graph.output, graph.initializer]
    if node is not None:
        lists += [node.input, node.output, node.attribute]
    items = rng.choice(lists)
    if not len(items):
        return
    a, b = rng.randrange(len(items)), rng.randrange(len(items))
    kind = rng.randrange(3)
    if kind == 0:
        del items[a]
        return
    if isinstance(items[a], str):
        if kind == 1:
            items.append(items[a])
        else:
            items[a], items[b] = items[b], items[a]
    elif kind == 1:
        items.add().CopyFrom(items[a])
    else:
        first, second = type(items[a])(), type(items[a])()
        first.CopyFrom(items[a])
        second.CopyFrom(items[b])
        items[a].CopyFrom(second)
        items[b].CopyFrom(first)


def _change_name(rng: random.Random, model: Any) -> None:
    nodes = list(model.graph.node)
    names = [name for node in nodes for name in (*node.input, *node.output)]
    if not names:
        return
    new = rng.choice((*names, "", "x", "nowhere", "a b\n", "%1", "é"))
    node = rng.choice(nodes)
    values = rng.choice((node.input, node.output))
    if len(values):
        values[rng.randrange(len(values))] = new


def _change_op(rng: random.Random, model: Any) -> None:
    if not model.graph.node:
        return
    node = rng.choice(model.graph.node)
    if rng.random() < 0.15:
        node.domain = rng.choice(("com.microsoft", "ai.onnx", "qonnx.custom_op.general", "x y"))
        return
    node.op_type = rng.choice(_op_types())


def _op_types() -> list[str]:
    from cimc.dialects.onnx import OPS_BY_TYPE

    return [*OPS_BY_TYPE, "LSTM", "If", "ConvTranspose", "Resize", "Constant", ""]


def _change_type(rng: random.Random, model: Any) -> None:
    graph = model.graph
    element = rng.randrange(28)
    if rng.random() < 0.5 and graph.initializer:
        rng.choice(graph.initializer).data_type = element
    elif graph.input:
        value = rng.choice(graph.input)
        if rng.random() < 0.2:
            value.type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
        else:
            value.type.tensor_type.elem_type = element


def _change_data(rng: random.Random, model: Any) -> None:
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    kind = rng.randrange(5)
    if kind == 0:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
    elif kind == 1:
        tensor.raw_data += b"\0" * rng.choice((1, 4, 8))
    elif kind == 2:
        tensor.raw_data = rng.randbytes(len(tensor.raw_data))
    elif kind == 3:
        tensor.float_data.append(1.0)
        tensor.ClearField("raw_data")
    else:
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", rng.choice(("nowhere.bin", "../x", "/etc/passwd", "."))


def _change_opset(rng: random.Random, model: Any) -> None:
    if model.opset_import:
        rng.choice(model.opset_import).version = rng.choice((0, 1, 6, 7, 9, 10, 11, 12, 13, 17, 20, 26, 999))
    if rng.random() < 0.1:
        del model.opset_import[:]
    if rng.random() < 0.1:
        model.ir_version = rng.choice((0, 3, 99))


def _change_constant(rng: random.Random, model: Any) -> None:
    """Puts another number into a constant of shapes, axes, pads or scales."""
    from onnx import numpy_helper

    small = [t for t in model.graph.initializer if 0 < np.prod(t.dims, dtype=float) <= 8]
    if not small:
        return
    tensor = rng.choice(small)
    try:
        array = numpy_helper.to_array(tensor).copy()
    except Exception:  # an earlier mutation has made it unreadable
        return
    if array.dtype.kind == "f":
        array.reshape(-1)[rng.randrange(array.size)] = rng.choice(
            (0, -1, np.nan, np.inf, 1e-40, 3e38, 2.5, 64)
        )
    elif array.dtype.kind in "iu":
        info = np.iinfo(cast(Any, array.dtype))
        allowed = [n for n in NUMBERS if info.min <= n <= info.max]
        array.reshape(-1)[rng.randrange(array.size)] = rng.choice(allowed)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


# Cases: each makes a mutated file in `folder` and gives what the tools say of it.


def _model_files(seeds: Path) -> list[Path]:
    return sorted(seeds.glob("*.onnx"))


def _compile(rng: random.Random, seeds: Path, model: Path, name: str, folder: Path) -> str | None:
    emit = rng.choice(("onnx", "cim", "xbar", "xbar", "report"))
    arguments: list[str | Path] = [model, f"--emit={emit}", "--target", "rram-256x256-c4"]
    if emit != "report" and rng.random() < 0.9 and (seeds / f"{name}.npz").exists():
        arguments += ["--calibrate", seeds / f"{name}.npz"]
    if rng.random() < 0.2:
        arguments += ["--bits", rng.choice(("4,4", "2,8", "8,2"))]
    if rng.random() < 0.2:
        arguments += ["--mapping", rng.choice(("any", "offset", "differential-row"))]
    if rng.random() < 0.1:
        arguments += ["--check-each-pass"]
    outcome = cimc(*arguments, "-o", folder / "out.mlir")
    if fault := outcome.fault:
        return fault
    if outcome.code == 0 and emit != "report" and rng.random() < 0.5 and (seeds / f"{name}.npz").exists():
        return cimc("run", folder / "out.mlir", "--input", seeds / f"{name}.npz").fault
    return None


def model_bytes(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """Bytes of an ONNX file."""
    path = rng.choice([*_model_files(seeds), SHIPPED])
    changed = folder / "model.onnx"
    changed.write_bytes(mutate_bytes(rng, path.read_bytes()))
    return _compile(rng, seeds, changed, path.stem, folder)


def model_parts(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """Parts of an ONNX model."""
    path = rng.choice([*_model_files(seeds)] * 4 + [SHIPPED])
    proto = ModelProto()
    cast(Any, proto).ParseFromString(path.read_bytes())
    changed = folder / "model.onnx"
    changed.write_bytes(serialized(mutate_model(rng, proto)))
    return _compile(rng, seeds, changed, path.stem, folder)


def program_text(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """The text of a program."""
    path = rng.choice(sorted(seeds.glob("*.mlir")))
    text = path.read_text()
    if rng.random() < 0.5:
        text = re.sub(r' digest "\w+"', "", text)
    changed = folder / "program.mlir"
    changed.write_text(mutate_text(rng, text))
    weights = path.with_suffix(".safetensors")
    changed.with_suffix(".safetensors").write_bytes(weights.read_bytes())
    if rng.random() < 0.2:
        passes = rng.choice(
            (
                "onnx-fold-constants,convert-onnx-to-cim",
                "cim-select-mapping,cim-quantize-weights,cim-quantize,cim-im2col",
                "cim-im2col,cim-encode,cim-tile,cim-place,cim-order,convert-cim-to-xbar",
                "weights-inline",
                "canonicalize,cse",
            )
        )
        return cimc_opt(changed, "-p", passes).fault
    return cimc("run", changed, "--input", seeds / f"{path.name.split('.')[0]}.npz").fault


def weights_bytes(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """The bytes of a file of weights."""
    path = rng.choice(sorted(seeds.glob("*.mlir")))
    text = path.read_text()
    if rng.random() < 0.7:
        text = re.sub(r' digest "\w+"', "", text)
    changed = folder / "program.mlir"
    changed.write_text(text)
    data = path.with_suffix(".safetensors").read_bytes()
    changed.with_suffix(".safetensors").write_bytes(mutate_bytes(rng, data))
    return cimc("run", changed, "--input", seeds / f"{path.name.split('.')[0]}.npz").fault


def settings(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """The text of a policy or a target."""
    name = rng.choice(("conv", "qcdq", "attention"))
    arguments: list[str | Path] = [seeds / f"{name}.onnx", "--calibrate", seeds / f"{name}.npz"]
    if rng.random() < 0.4:
        (folder / "policy.json").write_text(mutate_text(rng, POLICY))
        arguments += ["--policy", folder / "policy.json"]
    else:
        (folder / "target.toml").write_text(mutate_text(rng, TARGET))
        arguments += ["--target", folder / "target.toml"]
    emit = rng.choice(("report", "xbar"))
    return cimc(*arguments, f"--emit={emit}", "-o", folder / "out.mlir").fault


def data_bytes(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """The bytes of a data file."""
    name = rng.choice(("conv", "dense"))
    (folder / "x.npz").write_bytes(mutate_bytes(rng, (seeds / f"{name}.npz").read_bytes()))
    if rng.random() < 0.5:
        return cimc(seeds / f"{name}.onnx", "--calibrate", folder / "x.npz", "-o", folder / "o.mlir").fault
    return cimc("run", seeds / f"{name}.xbar.mlir", "--input", folder / "x.npz").fault


def shown(rng: random.Random, seeds: Path, folder: Path) -> str | None:
    """What reports, explanations and comparisons are made of."""
    report = rng.choice(sorted(seeds.glob("*.json")))
    program = rng.choice(sorted(seeds.glob("*.xbar.mlir")))
    if rng.random() < 0.5:
        (folder / "report.json").write_text(mutate_text(rng, report.read_text()))
        if rng.random() < 0.5:
            return cimc("diff", folder / "report.json", program).fault
        results = mutate_text(rng, RESULTS.replace("PROGRAM", program.name))
        (folder / "results.json").write_text(results)
        files = folder / "report.json", program, folder / "results.json"
        return cimc("report", *files, "-o", folder / "page.html").fault
    changed = folder / "program.mlir"
    changed.write_text(mutate_text(rng, re.sub(r' digest "\w+"', "", program.read_text())))
    changed.with_suffix(".safetensors").write_bytes(program.with_suffix(".safetensors").read_bytes())
    if rng.random() < 0.5:
        return cimc("diff", changed, report).fault
    layers = re.findall(r'layer "(\w+)"', changed.read_text()) or ["none"]
    return cimc("explain", changed, rng.choice(layers)).fault


Case = Callable[[random.Random, Path, Path], str | None]

KINDS: dict[str, tuple[Case, float]] = {
    "model_bytes": (model_bytes, 0.2),
    "model_parts": (model_parts, 0.35),
    "program_text": (program_text, 0.2),
    "weights_bytes": (weights_bytes, 0.06),
    "settings": (settings, 0.1),
    "data_bytes": (data_bytes, 0.04),
    "shown": (shown, 0.05),
}
"""Cases, and the part of all mutations that each has."""


def outcome_of(kind: str, seed: int, seeds: Path, folder: Path) -> str | None:
    """What is wrong in a case, or None."""
    try:
        with guarded():
            return KINDS[kind][0](random.Random(f"{kind}:{seed}"), seeds, folder)
    except Hang:
        return f"took more than {SECONDS_PER_CASE} s"
    except BaseException as e:
        return f"{type(e).__name__}: {e}"


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("kind", KINDS)
def test_mutations(
    kind: str, chunk: int, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a pass that is found to be wrong leaves a case
    count = int(CASES * KINDS[kind][1] / CHUNKS)
    case = os.environ.get("CIMC_FUZZ_CASE", "").partition(":")
    if case[0]:
        numbers = range(int(case[2]), int(case[2]) + 1) if case[0] == kind and chunk == 0 else range(0)
    else:
        numbers = range(chunk * count, (chunk + 1) * count)
    faults = {f"{kind}:{seed}": outcome_of(kind, seed, seeds, tmp_path) for seed in numbers}
    found = [f"{name}: {fault}" for name, fault in faults.items() if fault]
    assert not found, "\n".join([f"{len(found)} of {len(faults)}", *found[:40]])
    assert not list(tmp_path.glob(".*")), "a temporary file is left"

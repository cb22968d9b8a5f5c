"""Files that were not made for this project: the real topologies of the `onnx` package, speech models.

| file | float | crossbars |
| --- | --- | --- |
| light_* but the three below | the stored output | about the same |
| light_bvlc_alexnet, light_vgg19, light_zfnet512 | the stored output | the report only: large |
| speechmos: dnsmos_models/*, pdnsmos_models/* | onnxruntime's output | the quantised layers' |
| speechmos: aecmos_models/*, plcmos_models/* | refused: a symbolic size; with sizes, GRU | |
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test
import pytest
from onnx.numpy_helper import to_array
from round_trip import check_round_trip

import cimc
from cimc.errors import CimcError
from cimc.report import Report
from cimc.runtime.arrays import Array
from cimc.tools.compare import reference_outputs

LIGHT = Path(onnx.backend.test.__file__).parent / "data" / "light"

LAYERS = {
    "light_bvlc_alexnet": 8,
    "light_densenet121": 121,
    "light_inception_v1": 58,
    "light_inception_v2": 70,
    "light_resnet50": 54,
    "light_shufflenet": 50,
    "light_squeezenet": 26,
    "light_vgg19": 19,
    "light_zfnet512": 8,
}
LARGE = ("light_bvlc_alexnet", "light_vgg19", "light_zfnet512")
BORDERLINE = "light_squeezenet"
"""Its logits are all 9e9, apart by roundings of the last bit, which softmax tells apart: so compare them."""

SPEECH = {
    "dnsmos_models/sig.onnx": 10,
    "dnsmos_models/bak_ovr.onnx": 10,
    "dnsmos_models/sig_bak_ovr.onnx": 12,
    "dnsmos_models/model_v8.onnx": 8,
    "pdnsmos_models/sig_bak_ovr.onnx": 12,
}
RECURRENT = {
    "aecmos_models/Run_1663829550_Stage_0.onnx": "input",
    "aecmos_models/Run_1663915512_Stage_0.onnx": "input",
    "aecmos_models/Run_1668423760_Stage_0.onnx": "input",
    "plcmos_models/plcmos_v2.onnx": "degraded_audio",
}


def speech(name: str) -> Path:
    spec = find_spec("speechmos")
    if spec is None or spec.origin is None:
        pytest.skip("pip install --no-deps speechmos==0.0.1.1")
    return Path(spec.origin).parent / name


def read(path: Path) -> onnx.ModelProto:
    return onnx.load_model_from_string(path.read_bytes())


def ramp(shape: list[int]) -> Array:
    """The input that the stored outputs of the `onnx` package belong to."""
    size = int(np.prod(shape))
    return (np.arange(size, dtype=np.float32) / size).reshape(shape)


def noise(path: Path) -> dict[str, Array]:
    """Random inputs, the batch 1."""
    rng = np.random.default_rng(0)
    graph = read(path).graph
    shapes = {i.name: [d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in graph.input}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def single(outputs: dict[str, Array]) -> Array:
    (array,) = outputs.values()
    return array


def stored_output(name: str, graph: onnx.GraphProto) -> Array:
    """The output that comes with a file; that of a softmax over equal logits says that they are equal."""
    stored = to_array(onnx.TensorProto.FromString((LIGHT / f"{name}_output_0.pb").read_bytes()))
    if name != BORDERLINE:
        return stored
    assert np.ptp(stored) == 0
    del graph.output[0]
    graph.output.append(onnx.ValueInfoProto(name=graph.node[-1].input[0]))
    graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    graph.node.pop()
    return stored


def check_report(report: Report, layers: int) -> None:
    assert len(report.layers) == layers
    assert len({layer.shape.name for layer in report.layers}) == layers
    total: Any = report.as_json()["total"]
    assert 0 < total["lower_bound_us"] <= total["latency_us"]


def test_all_light_files_are_listed() -> None:
    assert {path.stem for path in LIGHT.glob("*.onnx")} == LAYERS.keys()


@pytest.mark.parametrize("name", LAYERS)
def test_light(name: str, tmp_path: Path) -> None:
    path = LIGHT / f"{name}.onnx"
    model = read(path)
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    (entry,) = [i for i in graph.input if i.name not in weights]
    x = {entry.name: ramp([d.dim_value for d in entry.type.tensor_type.shape.dim])}
    stored = stored_output(name, graph)
    if name == BORDERLINE:
        path = tmp_path / "logits.onnx"
        path.write_bytes(model.SerializeToString())
        stored = np.full_like(stored, single(reference_outputs(path, x)).mean())
    floats = single(cimc.compile(path, emit="onnx").run(x))
    np.testing.assert_allclose(floats, stored, rtol=1e-3, atol=1e-7)
    if name in LARGE:
        check_report(cimc.compile(path, emit="report").report(), LAYERS[name])
        return
    program = cimc.compile(path, bits=(8, 8), calibrate=x, observers=[check_round_trip])
    found = single(program.run(x))
    np.testing.assert_allclose(found, floats, rtol=0.05)
    check_report(program.report(), LAYERS[name])
    assert program.timeline is not None
    assert program.timeline.end_ps == program.report().latency_ps


@pytest.mark.parametrize("name", SPEECH)
def test_speech(name: str) -> None:
    pytest.importorskip("onnxruntime")
    path = speech(name)
    x = noise(path)
    floats = single(cimc.compile(path, emit="onnx").run(x))
    np.testing.assert_allclose(floats, single(reference_outputs(path, x)), rtol=1e-4, atol=1e-5)
    quantised = cimc.compile(path, bits=(8, 8), calibrate=x, emit="cim")
    program = cimc.compile(path, bits=(8, 8), calibrate=x, observers=[check_round_trip])
    found = single(program.run(x))
    assert np.array_equal(found, single(quantised.run(x)))
    assert np.abs(found - floats).max() < 0.2 * np.abs(floats).max()
    check_report(program.report(), SPEECH[name])
    assert program.timeline is not None
    assert program.timeline.end_ps == program.report().latency_ps


@pytest.mark.parametrize("name", RECURRENT)
def test_speech_of_any_length_is_refused(name: str) -> None:
    """Only the batch may be open."""
    message = f"input '{RECURRENT[name]}' has the unknown size 'frames' on axis 2"
    with pytest.raises(CimcError, match=f"^{message}; only the first, the batch, may be symbolic"):
        cimc.compile(speech(name), emit="report")


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_are_refused(name: str, tmp_path: Path) -> None:
    """With all sizes known, what is missing is an operator, and the message names it."""
    model = read(speech(name))
    for entry in model.graph.input:
        for size in entry.type.tensor_type.shape.dim:
            if size.dim_param == "frames":
                size.dim_value = 300
    path = tmp_path / "fixed.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CimcError, match=r"\bGRU\b"):
        cimc.compile(path, emit="report")

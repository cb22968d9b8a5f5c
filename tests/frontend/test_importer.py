"""Import: weights in files of their own, symbolic batches, and what layers are called."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import cimc
from cimc.dialects.cim.layers import LayerOp
from cimc.frontend.names import layer_of_initializer, module_path

save = cast(Any, onnx).save_model  # its paths have no full types
WEIGHTS = np.arange(-6, 6, dtype=np.float32).reshape(4, 3)


def product(batch: int | str = 2, weights: str = "fc.weight", node: str = "/fc/MatMul") -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", weights], ["y"], node)],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(WEIGHTS, weights)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    save(product(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").stat().st_size >= WEIGHTS.nbytes
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(cimc.compile(path, emit="onnx").run(x)["y"], x @ WEIGHTS)


@pytest.mark.parametrize("batch", [1, 5])
def test_a_symbolic_batch_gets_its_size(batch: int, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    save(product("N"), path)
    program = cimc.compile(path, emit="report", batch=batch)
    assert program.report()["layers"][0]["vectors"] == batch


@pytest.mark.parametrize(
    ("weights", "names"),
    [
        ("layer1.0.fc.weight", ["layer1.0.fc", "/layer1/layer1.0/fc/MatMul", "layer1.0.fc"]),
        ("onnx::MatMul_512", ["/layer1/layer1.0/fc/MatMul", "layer1.0.fc"]),
        ("fc.weight_quantized", ["fc", "/layer1/layer1.0/fc/MatMul", "layer1.0.fc"]),
    ],
)
def test_a_layer_goes_by_its_weights_its_node_and_its_module(
    weights: str, names: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    save(product(weights=weights, node="/layer1/layer1.0/fc/MatMul"), path)
    for name in names:
        policy = {name: {"weight_bits": 3, "activation_bits": 7}}
        program = cimc.compile(path, emit="cim", policy=policy)
        (layer,) = (op for op in program.module.walk() if isinstance(op, LayerOp))
        assert layer.layer.data == names[0]
        assert set(layer.all_names()) == set(names)
        assert layer.precision is not None
        assert (layer.precision.weight, layer.precision.activation) == (3, 7)


@pytest.mark.parametrize("name", ["onnx::Conv_3", "val_12", "17", "/conv/Constant_1_output_0"])
def test_made_up_names_name_no_layer(name: str) -> None:
    assert layer_of_initializer(name) is None


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ("/encoder/layers/layers.0/mlp/mlp.0/MatMul", "encoder.layers.0.mlp.0"),
        ("/layer2/layer2.0/downsample/downsample.0/Conv", "layer2.0.downsample.0"),
        ("/heads/head/Gemm", "heads.head"),
        ("/0/MatMul", "0"),
        ("conv1", None),
    ],
)
def test_module_path_of_a_torchscript_node(node: str, path: str | None) -> None:
    assert module_path(node, {}) == path


def test_module_path_of_a_dynamo_node() -> None:
    key = "pkg.torch.onnx.name_scopes"
    assert module_path("node_matmul", {key: "['', 'encoder', 'encoder.qk', 'matmul']"}) == "encoder.qk"
    assert module_path("node_matmul", {key: "['', 'matmul']"}) is None
    assert module_path("node_matmul", {key: "no list"}) is None

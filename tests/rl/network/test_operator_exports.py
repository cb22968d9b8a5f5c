"""The gradients of the torch operators, and what is exported of them."""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor
from torch_operators import ints, run

from cimc.runtime.arrays import Array

untyped = cast(Any, onnxruntime)


@dataclass(frozen=True)
class Example:
    """A call with its data in random float64, and the nodes that an export makes of it."""

    op_type: str
    shapes: Sequence[tuple[int, ...]]
    constants: Sequence[Tensor] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    nodes: Sequence[str] | None = None

    def inputs(self, dtype: torch.dtype) -> list[Tensor]:
        draw = torch.Generator().manual_seed(0)
        return [torch.rand(shape, generator=draw, dtype=dtype) + 0.5 for shape in self.shapes]

    def __call__(self, *inputs: Tensor) -> Tensor:
        return run(self.op_type, [*inputs, *self.constants], **self.attributes)[0]


UNEVEN = {"kernel_shape": (2, 3), "pads": (0, 1, 1, 0), "strides": (2, 1)}
CHANNELS = [(2, 3, 5), *[(3,)] * 4]
EXAMPLES = [
    Example("Add", [(2, 3), (3,)]),
    Example("AveragePool", [(2, 2, 5, 4)], attributes={**UNEVEN, "ceil_mode": 1}),
    Example("BatchNormalization", CHANNELS),
    Example("Conv", [(2, 2, 4, 4), (2, 2, 2, 3), (2,)], attributes=UNEVEN),
    Example(
        "Conv", [(2, 2, 6), (2, 1, 3)], attributes={"group": 2, "auto_pad": "SAME_UPPER", "strides": (2,)}
    ),
    Example("Expand", [(2, 1, 3)], [ints(2, 4, 3)]),
    Example("Flatten", [(2, 3, 4)], nodes=["Reshape"]),
    Example("Gather", [(2, 3, 4)], [torch.tensor(-1)], {"axis": 1}),
    Example("Gelu", [(2, 3)], attributes={"approximate": "none"}),
    Example("Gemm", [(2, 3), (4, 3), (4,)], attributes={"transB": 1, "alpha": 0.5}),
    Example("GlobalAveragePool", [(2, 3, 4, 4)]),
    Example("InstanceNormalization", [(2, 3, 5), (3,), (3,)]),
    Example("LRN", [(2, 5, 3, 1)], attributes={"size": 3}),
    Example("LayerNormalization", [(2, 3, 4), (4,), (4,)], attributes={"axis": -1, "stash_type": 1}),
    Example("LogSoftmax", [(2, 3)]),
    Example("MatMul", [(2, 3, 4), (2, 4, 3)]),
    Example("MaxPool", [(2, 2, 5, 4)], attributes=UNEVEN),
    Example("Pad", [(2, 3, 4)], [ints(0, -1, 1, 0, 2, 1)], {"mode": "edge"}),
    Example("ReduceMean", [(2, 3, 4)], [ints(1, 2)], {"keepdims": 0}),
    Example("Reshape", [(2, 3, 4)], [ints(2, 12)]),
    Example("Slice", [(2, 5, 4)], [ints(4, 0), ints(-7, 3), ints(1, 2), ints(-2, 1)]),
    Example("Softmax", [(2, 3, 4)], attributes={"axis": 1}),
    Example("Split", [(2, 5, 4)], [ints(2, 3)], {"axis": 1, "num_results": 2}),
    Example("Split", [(2, 5, 4)], attributes={"axis": 1, "num_results": 2, "num_outputs": None}),
    Example("Squeeze", [(2, 1, 4)], [ints(1)]),
    Example("Transpose", [(2, 3, 4)], attributes={"perm": (0, 2, 1)}),
    Example("Unsqueeze", [(2, 3)], [ints(-1)]),
]


def of_type(example: Example) -> str:
    return example.op_type


@pytest.mark.parametrize("example", EXAMPLES, ids=of_type)
def test_gradients(example: Example) -> None:
    inputs = [x.requires_grad_() for x in example.inputs(torch.float64)]
    if example.op_type == "BatchNormalization":
        # The statistics are constants.
        inputs[3:] = [x.detach() for x in inputs[3:]]
    assert torch.autograd.gradcheck(example, inputs)


def exported(module: Callable[..., Tensor], inputs: Sequence[Tensor]) -> onnx.ModelProto:
    """What torch writes, with the batch of the first input left open."""

    class Module(torch.nn.Module):
        def forward(self, *inputs: Tensor) -> Tensor:
            return module(*inputs)

    file = io.BytesIO()
    with warnings.catch_warnings():
        # That constants are read as numbers is meant; the exporter itself is deprecated.
        warnings.simplefilter("ignore")
        cast(Any, torch.onnx).export(
            Module().eval(),
            tuple(inputs),
            file,
            dynamo=False,
            opset_version=20,
            input_names=[f"x{index}" for index in range(len(inputs))],
            output_names=["y"],
            dynamic_axes={"x0": {0: "batch"}, "y": {0: "batch"}},
        )
    model = onnx.load_from_string(file.getvalue())
    cast(Any, onnx.checker).check_model(model, full_check=True)
    return model


def onnxruntime_result(model: onnx.ModelProto, inputs: Sequence[Tensor]) -> Array:
    options = untyped.SessionOptions()
    options.graph_optimization_level = untyped.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = untyped.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {f"x{index}": x.numpy() for index, x in enumerate(inputs)})[0]


def nodes(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node if node.op_type != "Constant"]


@pytest.mark.parametrize("example", EXAMPLES, ids=of_type)
def test_an_operator_is_exported_as_one_node(example: Example) -> None:
    inputs = example.inputs(torch.float32)
    model = exported(example, inputs)
    assert nodes(model) == list(example.nodes or [example.op_type])
    np.testing.assert_allclose(onnxruntime_result(model, inputs), example(*inputs).numpy(), 1e-5, 1e-5)


def test_an_exported_clip_has_both_bounds() -> None:
    def relu6(x: Tensor) -> Tensor:
        return run("Clip", [x, torch.tensor(0.0), torch.tensor(6.0)])[0]

    def capped(x: Tensor) -> Tensor:
        return run("Clip", [x, None, torch.tensor(6.0)])[0]

    x = torch.linspace(-3, 9, 7)
    for function in (relu6, capped):
        model = exported(function, [x])
        assert nodes(model) == ["Clip"]
        np.testing.assert_array_equal(onnxruntime_result(model, [x]), function(x).numpy())


def test_a_convolutional_network_is_exported_for_every_batch() -> None:
    draw = torch.Generator().manual_seed(1)
    w = torch.randn((4, 2, 3, 3), generator=draw)
    matrix, bias = torch.randn((5, 16), generator=draw), torch.randn((5,), generator=draw)

    def network(x: Tensor) -> Tensor:
        (x,) = run("Conv", [x, w], pads=(0, 0, 1, 1), strides=(2, 2), auto_pad="NOTSET", group=1)
        (x,) = run("Relu", [x])
        (x,) = run("AveragePool", [x], kernel_shape=(2, 2), strides=(2, 2), count_include_pad=0)
        (x,) = run("Reshape", [x, ints(1, -1)], imported=[(1, 4, 2, 2), (2,)], allowzero=0)
        return run("Gemm", [x, matrix, bias], transB=1)[0]

    model = exported(network, [torch.zeros(2, 2, 8, 8)])
    assert nodes(model) == ["Conv", "Relu", "AveragePool", "Reshape", "Gemm"]
    for batch in (1, 5):
        x = torch.randn((batch, 2, 8, 8), generator=draw)
        np.testing.assert_allclose(onnxruntime_result(model, [x]), network(x).numpy(), 1e-5, 1e-5)


@pytest.mark.parametrize("is_causal", [0, 1])
def test_a_transformer_block_is_exported_for_every_batch(is_causal: int) -> None:
    draw = torch.Generator().manual_seed(2)
    token, scale = torch.randn((1, 1, 8), generator=draw), torch.randn((8,), generator=draw)
    project, back = torch.randn((8, 24), generator=draw), torch.randn((8, 8), generator=draw)

    def block(x: Tensor) -> Tensor:
        (x,) = run("Concat", [token, x], axis=1)
        (y,) = run("LayerNormalization", [x, scale], axis=-1, epsilon=1e-5)
        (y,) = run("MatMul", [y, project])
        q, k, v = run("Split", [y], axis=-1, num_outputs=3, num_results=3)
        y = run("Attention", [q, k, v], q_num_heads=2, kv_num_heads=2, is_causal=is_causal)[0]
        (y,) = run("Gelu", [run("MatMul", [y, back])[0]])
        (y,) = run("Add", [x, y])
        return run("Gather", [y, torch.tensor(0)], axis=1)[0]

    model = exported(block, [torch.zeros(2, 4, 8)])
    assert {"LayerNormalization", "Softmax", "Gelu", "Split"} <= set(nodes(model))
    for batch in (1, 3):
        x = torch.randn((batch, 4, 8), generator=draw)
        np.testing.assert_allclose(onnxruntime_result(model, [x]), block(x).numpy(), 1e-5, 1e-5)


def test_quantisation_is_exported_as_it_was() -> None:
    scale, zero = torch.tensor([0.5, 0.25]), torch.tensor([3, 0], dtype=torch.uint8)
    attributes = {"axis": 1, "block_size": 0, "output_dtype": 0}

    def network(x: Tensor) -> Tensor:
        (codes,) = run("QuantizeLinear", [x, scale, zero], **attributes, precision=0, saturate=1)
        (x,) = run("DequantizeLinear", [codes, scale, zero], **attributes)
        return run("Relu", [x])[0]

    x = torch.linspace(-90, 90, 60).reshape(2, 2, 15)
    model = exported(network, [x])
    assert nodes(model) == ["QuantizeLinear", "DequantizeLinear", "Relu"]
    np.testing.assert_array_equal(onnxruntime_result(model, [x]), network(x).numpy())


def test_quant_is_exported_in_its_domain() -> None:
    def network(x: Tensor) -> Tensor:
        (x,) = run("Quant", [x, torch.tensor(0.5), torch.tensor(0.0), torch.tensor(4.0)], signed=1)
        return run("Flatten", [x], imported=[(1, 2, 3)], axis=1)[0]

    model = exported(network, [torch.zeros(2, 2, 3)])
    assert nodes(model) == ["Quant", "Reshape"]
    (quant,) = (node for node in model.graph.node if node.op_type == "Quant")
    assert quant.domain in [opset.domain for opset in model.opset_import]
    assert quant.domain == "qonnx.custom_op.general"


def test_an_attribute_that_the_opset_has_not_is_refused() -> None:
    def blocked(x: Tensor) -> Tensor:
        return run("QuantizeLinear", [x, torch.ones(2, 2)], axis=1, block_size=2)[0]

    with pytest.raises(ValueError, match="opset 20 has no attribute block_size of QuantizeLinear"):
        exported(blocked, [torch.zeros(2, 4)])

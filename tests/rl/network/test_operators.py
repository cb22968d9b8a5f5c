"""The torch operators against the standard cases, the numpy kernels, and onnxruntime."""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from backend_suite import Case, NodeRun, node_runs, single_node_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.rl.network.operators import NEEDS_IMPORTED_SHAPES, OPERATORS
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS

modest = settings(max_examples=40)
untyped = cast(Any, onnxruntime)

LEFT_OUT = {"ConstantOfShape", "Shape"}
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}
# The position of nonpad_kv_seqlen among the inputs of Attention.
NONPAD = 6
# Operators whose first input need not be floats.
STEERED = ("Cast", "DequantizeLinear", "Equal", "Not", "Where")
# Words in the names of cases that need what is left out.
UNSUPPORTED = ("training", "with_argmax", "max_empty_set")


def run(op_type: str, inputs: Sequence[Tensor | None], **attributes: Any) -> tuple[Tensor, ...]:
    if op_type in NEEDS_IMPORTED_SHAPES and "imported" not in attributes:
        attributes["imported"] = [tuple(map(int, x.shape)) for x in inputs if x is not None]
    return OPERATORS[op_type](*inputs, **attributes)


def tensors(arrays: Sequence[Array | None]) -> list[Tensor | None]:
    return [None if array is None else torch.as_tensor(array.copy()) for array in arrays]


def ints(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


# The standard cases


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    return single_node_cases(OPERATORS)


def _is_float(case: NodeRun) -> bool:
    """Whether the data are float32; integers and conditions may steer."""
    inputs = [array for array in case.inputs if array is not None]
    if any(
        array.dtype.isbuiltin != 1 or array.dtype.kind not in "fiub"
        for array in (*inputs, *case.expected.values())
    ):
        return False
    if case.op_type == "Attention" and len(case.inputs) > NONPAD:
        return False
    return case.op_type in STEERED or inputs[0].dtype == np.float32


@pytest.mark.parametrize("op_type", sorted(OPERATORS.keys() - WITHOUT_CASES))
def test_standard_cases(op_type: str, cases: dict[str, list[Case]], subtests: pytest.Subtests) -> None:
    count = 0
    for case in cases[op_type]:
        if any(word in case.name for word in UNSUPPORTED):
            continue
        for execution in filter(_is_float, node_runs(case)):
            count += 1
            with subtests.test(case.name):
                _check(execution, case)
    assert count


def _check(execution: NodeRun, case: Case) -> None:
    attributes = dict(execution.attributes)
    if execution.op_type in NEEDS_NUM_RESULTS:
        attributes["num_results"] = execution.num_results
    results = run(execution.op_type, tensors(execution.inputs), **attributes)
    for index, expected in execution.expected.items():
        # Of some operators only the first results are there.
        if index < len(results):
            assert tuple(results[index].shape) == expected.shape
            np.testing.assert_allclose(results[index].numpy(), expected, case.rtol, case.atol)


def test_all_operators_are_there_but_those_on_shapes() -> None:
    assert OPS_BY_TYPE.keys() - OPERATORS.keys() == LEFT_OUT
    assert OPERATORS.keys() <= OPS_BY_TYPE.keys()


# The numpy kernels


def data(seed: int, shape: Sequence[int]) -> Array:
    """Small integers, whose sums and products are exact in whatever order."""
    return np.random.default_rng(seed).integers(-8, 9, tuple(shape)).astype(np.float32)


def agree(op_type: str, inputs: Sequence[Array | None], **attributes: Any) -> None:
    """Check an operator against the kernel, to the last bits of a mean."""
    expected = KERNELS[op_type](*inputs, **attributes)
    results = run(op_type, tensors(inputs), **attributes)
    for result, wanted in zip(results, expected, strict=True):
        assert tuple(result.shape) == wanted.shape
        np.testing.assert_allclose(result.numpy(), wanted, 1e-6, 1e-6)


seeds = st.integers(0, 2**32 - 1)
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[int], dict[str, Any]]:
    """The sizes of spatial axes, and attributes of which at least one window fits."""
    rank = draw(st.integers(1, 3))

    def each(least: int, most: int) -> list[int]:
        return draw(st.lists(st.integers(least, most), min_size=rank, max_size=rank))

    kernel, dilations = each(1, 3), draw(st.sampled_from([[1] * rank, [1, 2, 2][:rank]]))
    sizes = [(k - 1) * d + 1 + more for k, d, more in zip(kernel, dilations, each(0, 5), strict=True)]
    auto_pad = draw(st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    attributes: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": each(1, 3),
        "dilations": dilations,
        "auto_pad": auto_pad,
    }
    if auto_pad == "NOTSET":
        attributes["pads"] = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    return sizes, attributes


@modest
@given(windows(), st.booleans(), st.booleans(), seeds)
def test_pools(
    spatial: tuple[list[int], dict[str, Any]], ceil_mode: bool, count_include_pad: bool, seed: int
) -> None:
    sizes, attributes = spatial
    x = data(seed, (2, 3, *sizes))
    attributes["ceil_mode"] = int(ceil_mode)
    agree("MaxPool", [x], **attributes)
    agree("AveragePool", [x], count_include_pad=int(count_include_pad), **attributes)


@modest
@given(windows(), st.integers(1, 3), st.booleans(), seeds)
def test_conv(spatial: tuple[list[int], dict[str, Any]], group: int, bias: bool, seed: int) -> None:
    sizes, attributes = spatial
    x, w = data(seed, (2, 2 * group, *sizes)), data(seed + 1, (group, 2, *attributes["kernel_shape"]))
    agree("Conv", [x, w, *([data(seed, (group,))] if bias else [])], group=group, **attributes)


@modest
@given(shapes, st.sampled_from(["constant", "reflect", "edge", "wrap"]), st.data(), seeds)
def test_pad(shape: list[int], mode: str, draw: st.DataObject, seed: int) -> None:
    axes = draw.draw(st.permutations(range(len(shape))))[: draw.draw(st.integers(1, len(shape)))]
    # What is cropped leaves one element at least.
    begins = [draw.draw(st.integers(-(shape[axis] - 1) // 2, 3)) for axis in axes]
    ends = [draw.draw(st.integers(-(shape[axis] - 1) // 2, 3)) for axis in axes]
    value = np.asarray(draw.draw(st.sampled_from([0, -2.5])), np.float32)
    agree("Pad", [data(seed, shape), np.asarray(begins + ends), value, np.asarray(axes)], mode=mode)


@modest
@given(shapes, st.data(), seeds)
def test_slice(shape: list[int], draw: st.DataObject, seed: int) -> None:
    axes = draw.draw(st.permutations(range(len(shape))))[: draw.draw(st.integers(1, len(shape)))]
    bounds = [[draw.draw(st.integers(-7, 7)) for _ in axes] for _ in range(2)]
    steps = [draw.draw(st.sampled_from([-2, -1, 1, 2])) for _ in axes]
    agree("Slice", [data(seed, shape), *map(np.asarray, (*bounds, axes, steps))])


@modest
@given(shapes, st.sampled_from(["ReduceMax", "ReduceMean", "ReduceSum"]), st.booleans(), st.data(), seeds)
def test_reductions(shape: list[int], op_type: str, keepdims: bool, draw: st.DataObject, seed: int) -> None:
    axes = draw.draw(st.lists(st.integers(-len(shape), len(shape) - 1), unique_by=lambda a: a % len(shape)))
    agree(op_type, [data(seed, shape), np.asarray(axes, np.int64)], keepdims=int(keepdims))


@modest
@given(shapes, st.data(), seeds)
def test_split_and_gather(shape: list[int], draw: st.DataObject, seed: int) -> None:
    axis = draw.draw(st.integers(-len(shape), len(shape) - 1))
    x, size = data(seed, shape), shape[axis]
    agree("Split", [x], num_results=draw.draw(st.sampled_from([1, size])), axis=axis)
    part = draw.draw(st.integers(0, size))
    agree("Split", [x, np.asarray([part, size - part])], num_results=2, axis=axis)
    indices = draw.draw(st.lists(st.integers(-size, size - 1)))
    agree("Gather", [x, np.asarray(indices, np.int64)], axis=axis)
    agree("Gather", [x, np.asarray(-1)], axis=axis)


# Other batches than the imported one


def follows(op_type: str, x: Array, others: Sequence[Array], **attributes: Any) -> None:
    """Check an operator on pictures `x` against the kernel on each picture, the imported batch being 1."""
    if op_type in NEEDS_IMPORTED_SHAPES:
        attributes["imported"] = [(1, *x.shape[1:]), *(other.shape for other in others)]
    (result,) = OPERATORS[op_type](*tensors([x, *others]), **attributes)
    attributes.pop("imported", None)
    alone = [KERNELS[op_type](picture[None], *others, **attributes)[0] for picture in x]
    np.testing.assert_array_equal(result.numpy(), np.concatenate(alone))


batches = st.integers(1, 4)


@modest
@given(batches, st.lists(st.sampled_from([1, 2, 3]), max_size=6), st.data(), seeds)
def test_reshape_follows_the_batch(batch: int, factors: list[int], draw: st.DataObject, seed: int) -> None:
    def grouped() -> list[int]:
        """The product of `factors`, as another shape each time."""
        cuts = sorted(draw.draw(st.lists(st.integers(0, len(factors)), max_size=4)))
        bounds = [0, *cuts, len(factors)]
        return [int(np.prod(factors[a:b])) for a, b in pairwise(bounds)]

    x = data(seed, (batch, *grouped()))
    target = grouped() if draw.draw(st.booleans()) else [1, *grouped()]
    unknown = draw.draw(st.integers(0, len(target)))
    if unknown < len(target):
        target[unknown] = -1
    for axis, size in enumerate(target):
        if axis < x.ndim and size == (1, *x.shape[1:])[axis] and draw.draw(st.booleans()):
            target[axis] = 0
    follows("Reshape", x, [np.asarray(target)])


@modest
@given(batches, shapes, st.data(), seeds)
def test_flatten_follows_the_batch(batch: int, shape: list[int], draw: st.DataObject, seed: int) -> None:
    axis = draw.draw(st.integers(-len(shape) - 1, len(shape) + 1))
    follows("Flatten", data(seed, (batch, *shape)), [], axis=axis)


@modest
@given(batches, st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=3), seeds)
def test_expand_follows_the_batch(batch: int, axes: list[tuple[int, bool]], seed: int) -> None:
    x = data(seed, (batch, *(1 if stretched else size for size, stretched in axes)))
    follows("Expand", x, [np.asarray([1, *(size for size, _ in axes)])])
    follows("Expand", x, [np.asarray([size for size, _ in axes])])


@modest
@given(batches, st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3), seeds)
def test_squeeze_keeps_the_batch(batch: int, shape: list[int], seed: int) -> None:
    x = data(seed, (batch + 1, *shape))
    imported = [(2, *shape)]
    (result,) = OPERATORS["Squeeze"](torch.as_tensor(x[:batch]), imported=imported)
    np.testing.assert_array_equal(result.numpy(), x[:batch].reshape(batch, *(n for n in shape if n != 1)))


@modest
@given(st.integers(2, 4), st.booleans(), seeds)
def test_a_class_token_serves_the_whole_batch(batch: int, first: bool, seed: int) -> None:
    x, token = data(seed, (batch, 3, 5)), data(seed + 1, (1, 1, 5))
    every = np.broadcast_to(token, (batch, 1, 5))
    inputs = [torch.as_tensor(token), torch.as_tensor(x)]
    (result,) = run("Concat", inputs if first else inputs[::-1], axis=1)
    np.testing.assert_array_equal(result.numpy(), np.concatenate([every, x] if first else [x, every], 1))


def test_reshape_refuses_a_batch_that_is_not_the_first_axis() -> None:
    with pytest.raises(ValueError, match="batch is not the first axis"):
        run("Reshape", [torch.zeros(5, 3, 8), ints(5, 4, 2)], imported=[(5, 1, 8), (3,)])


# Gradients and exports


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


@pytest.mark.parametrize("heads", [1, 2])
def test_a_transformer_block_is_exported_for_every_batch(heads: int) -> None:
    draw = torch.Generator().manual_seed(2)
    token, scale = torch.randn((1, 1, 8), generator=draw), torch.randn((8,), generator=draw)
    project, back = torch.randn((8, 24), generator=draw), torch.randn((8, 8), generator=draw)

    def block(x: Tensor) -> Tensor:
        (x,) = run("Concat", [token, x], axis=1)
        (y,) = run("LayerNormalization", [x, scale], axis=-1, epsilon=1e-5)
        (y,) = run("MatMul", [y, project])
        q, k, v = run("Split", [y], axis=-1, num_outputs=3, num_results=3)
        y = run("Attention", [q, k, v], q_num_heads=2, kv_num_heads=2, is_causal=heads - 1)[0]
        (y,) = run("Gelu", [run("MatMul", [y, back])[0]])
        (y,) = run("Add", [x, y])
        return run("Gather", [y, torch.tensor(0)], axis=1)[0]

    model = exported(block, [torch.zeros(2, 4, 8)])
    assert {"LayerNormalization", "Softmax", "Gelu", "Split"} <= set(nodes(model))
    for batch in (1, 3):
        x = torch.randn((batch, 4, 8), generator=draw)
        np.testing.assert_allclose(onnxruntime_result(model, [x]), block(x).numpy(), 1e-5, 1e-5)


# Quantisation


@pytest.mark.parametrize("mode", ["ROUND", "ROUND_TO_ZERO", "CEIL", "FLOOR"])
@pytest.mark.parametrize(("signed", "narrow"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_quant(mode: str, signed: int, narrow: int) -> None:
    x = np.linspace(-4, 4, 65, dtype=np.float32).reshape(5, 13)
    scale = np.asarray([[0.5], [0.25], [0.3], [1], [2]], np.float32)
    zero, bits = np.asarray(0, np.float32), np.asarray(3, np.float32)
    agree("Quant", [x, scale, zero, bits], signed=signed, narrow=narrow, rounding_mode=mode)


def gradient(y: Tensor, x: Tensor) -> list[float]:
    """Of the sum of `y`."""
    return torch.autograd.grad(y.sum(), x)[0].numpy().tolist()


def test_rounding_passes_gradients_but_clipping_does_not() -> None:
    x = torch.tensor([-70.0, -0.3, 0.2, 1.7, 70.0], requires_grad=True)
    scale, zero = torch.tensor(0.5), torch.zeros((), dtype=torch.int8)
    (codes,) = run("QuantizeLinear", [x, scale, zero])
    assert codes.detach().numpy().tolist() == [-128, -1, 0, 3, 127]
    (y,) = run("DequantizeLinear", [codes, scale, zero])
    assert gradient(y, x) == [0, 1, 1, 1, 0]
    (y,) = run("Quant", [x, scale, torch.tensor(0.0), torch.tensor(8.0)])
    assert gradient(y, x) == [0, 1, 1, 1, 0]


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

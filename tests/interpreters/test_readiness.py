"""When digital results are there, against what they depend on: inputs are changed, and outputs watched."""

from collections.abc import Mapping

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext, new_context
from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.interpreters.execute import execute
from cimc.interpreters.readiness import Readiness
from cimc.ir_files import parse_module
from cimc.main_function import main_function
from cimc.runtime.arrays import Array

WINDOWS = "kernel = array<i64: 3, 2>, strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 2, 1>"

EXACT = {
    "relu": "%y = onnx.Relu(%a) : (tensor<2x3xf32>) -> tensor<2x3xf32>",
    "add": "%y = onnx.Add(%a, %b) : (tensor<2x3x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xf32>",
    "reshape": """%s = weights.inline dense<[3, 4]> : tensor<2xi64>
        %y = onnx.Reshape(%a, %s) : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<3x4xf32>""",
    "transpose": """%y = onnx.Transpose(%a) {perm = array<i64: 2, 0, 1>}
        : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>""",
    "concat": """%y = onnx.Concat(%a, %b) {axis = 1 : i64}
        : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>""",
    "softmax": "%y = onnx.Softmax(%a) {axis = 1 : i64} : (tensor<2x3x2xf32>) -> tensor<2x3x2xf32>",
    "mean": """%s = weights.inline dense<[1]> : tensor<1xi64>
        %y = onnx.ReduceMean(%a, %s) {keepdims = 0 : i64}
        : (tensor<2x3x4xf32>, tensor<1xi64>) -> tensor<2x4xf32>""",
    "max pool": """%y = onnx.MaxPool(%a) {kernel_shape = array<i64: 2, 3>, strides = array<i64: 1, 2>,
        pads = array<i64: 1, 0, 0, 1>} : (tensor<1x1x4x5xf32>) -> tensor<1x1x4x2xf32>""",
    "average pool": """%y = onnx.AveragePool(%a) {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>}
        : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>""",
    "quantize": """%y = cim.quantize %a {quantizer = #cim.quantizer<si8, scale 0.01, zero_point 0>}
        : tensor<2x3xf32> -> tensor<2x3xsi8>""",
    "recenter": "%y = cim.recenter %a {zero_point = -128 : i64} : tensor<2x3xsi8> -> tensor<2x3xui8>",
    "input sum": "%y = cim.input_sum %a : tensor<2x3x4xui8> -> tensor<2x3x1xsi32>",
    "transpose of codes": "%y = cim.transpose %a : tensor<2x3x4xui8> -> tensor<2x4x3xui8>",
    "reshape of codes": "%y = cim.reshape %a : tensor<2x6xui8> -> tensor<3x4xui8>",
    "subtract": "%y = cim.subtract %a, %b : tensor<2x3xsi32>, tensor<1x3xsi64> -> tensor<2x3xsi32>",
    "pack": """%y = cim.pack_vectors %a {packing = #cim.packing<groups 2, positions [3]>}
        : tensor<3x4x2xui8> -> tensor<2x2x12xui8>""",
    "unpack": """%y = cim.unpack_sums %a {packing = #cim.packing<groups 2, positions [3]>}
        : tensor<2x2x12xsi32> -> tensor<3x4x2xsi32>""",
    "window sum": f"""%y = cim.window_sum %a {{{WINDOWS}, dilations = array<i64: 1, 2>, groups = 1 : i64}}
        : tensor<1x1x4x5xui8> -> tensor<1x1x3x4xsi32>""",
}
"""Ops whose results are there as soon as what they are computed from."""

TOGETHER = {
    "layer norm": """%s = weights.inline dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>
        %y = onnx.LayerNormalization(%a, %s) : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>""",
    "im2col": f"""%y = cim.im2col %a {{{WINDOWS}, dilations = array<i64: 1, 2>}}
        : tensor<1x2x4x5xui8> -> tensor<1x12x12xui8>""",
    "im2col of patches": f"""%y = cim.im2col %a {{{WINDOWS}, dilations = array<i64: 1, 1>,
        packing = #cim.packing<groups 1, positions [2, 2]>}} : tensor<2x1x4x5xui8> -> tensor<1x12x15xui8>""",
    "to image": "%y = cim.to_image %a : tensor<1x6x2xsi32> -> tensor<1x2x2x3xsi32>",
    "to image of patches": """%y = cim.to_image %a {packing = #cim.packing<groups 1, positions [2, 2]>}
        : tensor<1x4x8xsi32> -> tensor<1x2x3x4xsi32>""",
    "subtract offset": """%o = weights.inline dense<[3, 4]> : tensor<2xsi32>
        %y = cim.subtract_offset(%a, %b, %o) {axis = 1 : i64}
        : tensor<1x2x3xsi32>, tensor<1x1x3xsi32>, tensor<2xsi32> -> tensor<1x2x3xsi32>""",
    "remove offset": """%o = weights.inline dense<[3, 4]> : tensor<2xsi32>
        %y = cim.remove_offset %a, %o : tensor<1x3x3xsi32>, tensor<2xsi32> -> tensor<1x3x2xsi32>""",
    "encode": """%y = cim.encode %a {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}
        : tensor<1x2x2xsi8> -> tensor<1x2x8xui4>""",
}
"""Ops of which channels, or all elements of a vector, are taken to be there together."""


def parsed(op: str) -> tuple[CimcContext, ModuleOp]:
    """A module of one op, whose types stand behind it, on the function's arguments %a and %b."""
    ctx = new_context()
    operands, result = " ".join(op.split()).rsplit(" : ", 1)[1].split(" -> ")
    names = [name for name in ("%a", "%b") if name in op]
    arguments = [t.strip("() ") for t in operands.replace(">, ", ">|").split("|")]
    signature = ", ".join(f"{n}: {t}" for n, t in zip(names, arguments, strict=False))
    text = f"func.func @main({signature}) -> {result} {{\n{op}\nfunc.return %y : {result}\n}}"
    return ctx, parse_module(ctx, text, "test")


def random_inputs(module: ModuleOp, rng: np.random.Generator) -> dict[str, Array]:
    inputs: dict[str, Array] = {}
    for index, type_ in enumerate(main_function(module).function_type.inputs):
        dtype, shape = dtype_of(element_type(type_)), shape_of(type_)
        low = 0 if dtype.kind == "u" else -40
        inputs[f"x{index}"] = rng.integers(low, 40, shape).astype(dtype)
        if dtype.kind == "f":
            inputs[f"x{index}"] = rng.normal(size=shape).astype(dtype)
    return inputs


def influenced(ctx: CimcContext, module: ModuleOp, times: Mapping[str, Array]) -> Array:
    """The latest time of the inputs that change each output."""
    rng = np.random.default_rng(1)
    latest: Array | None = None
    for _ in range(3):
        inputs = random_inputs(module, rng)
        (before,) = execute(module, ctx.tensors, inputs).values()
        latest = np.zeros(before.shape, np.int64) if latest is None else latest
        for name, array in inputs.items():
            for index in np.ndindex(array.shape):
                changed = array.copy()
                changed[index] += 60
                (after,) = execute(module, ctx.tensors, {**inputs, name: changed}).values()
                latest = np.where(after != before, np.maximum(latest, times[name][index]), latest)
    assert latest is not None
    return latest


@pytest.mark.parametrize("name", [*EXACT, *TOGETHER])
def test_results_are_there_when_their_inputs_are(name: str) -> None:
    ctx, module = parsed({**EXACT, **TOGETHER}[name])
    block = main_function(module).body.block
    rng = np.random.default_rng(0)
    times = {
        f"x{i}": rng.permutation(1000)[: a.size].reshape(a.shape)
        for i, a in enumerate(random_inputs(module, rng).values())
    }
    readiness = Readiness(ctx.tensors)
    for index, argument in enumerate(block.args):
        readiness.note(argument, times[f"x{index}"].astype(np.int64))
    for op in list(block.ops)[:-1]:
        readiness.digital(op)
    found = readiness.full(list(block.ops)[-1].operands[0])
    expected = influenced(ctx, module, times)
    assert (found >= expected).all()
    if name in EXACT:
        np.testing.assert_array_equal(found, expected)

"""Small valid models, one for each kind of thing that cimc reads."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 21
_RNG = np.random.default_rng(0)
_helper = cast(Any, helper)
_onnx = cast(Any, onnx)


def node(op_type: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    """A node; names are separated by spaces, and `-` stands for one that is left out."""
    names = [["" if n == "-" else n for n in text.split()] for text in (inputs, outputs)]
    domain = "qonnx.custom_op.general" if op_type == "Quant" else ""
    return _helper.make_node(op_type, *names, name=f"{op_type}_{names[1][0]}", domain=domain, **attributes)


def weights(*shape: int) -> Any:
    """Random float32 numbers."""
    return _RNG.standard_normal(shape).astype(np.float32)


def model(
    nodes: Sequence[NodeProto],
    x: Sequence[int | str],
    *,
    elem_type: int | Any = TensorProto.FLOAT,
    opset: int | Any = OPSET,
    **arrays: Any,
) -> ModelProto:
    """A model of one input `x` and one output `y`."""
    value = _helper.make_tensor_value_info
    graph = _helper.make_graph(
        list(nodes),
        "tiny",
        [value("x", elem_type, list(x))],
        [value("y", elem_type, None)],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in arrays.items()],
    )
    imports = [_helper.make_opsetid("", opset), _helper.make_opsetid("qonnx.custom_op.general", 1)]
    return _helper.make_model(graph, opset_imports=imports, ir_version=10)


def dense() -> ModelProto:
    """A Gemm, which is what most cases of wrong input are made from."""
    return model([node("Gemm", "x w b", "y", transB=1)], ["N", 6], w=weights(4, 6), b=weights(4))


def conv() -> ModelProto:
    """A convolution with BatchNormalization, a depthwise one, pooling, and a dense layer."""
    nodes = [
        node("Conv", "x conv.weight conv.bias", "c", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("BatchNormalization", "c scale shift mean var", "n"),
        node("Relu", "n", "r"),
        node("Conv", "r dw.weight", "d", group=4, auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Clip", "d low high", "k"),
        node("MaxPool", "k", "m", kernel_shape=[2, 2], strides=[1, 1], ceil_mode=1),
        node("AveragePool", "m", "v", kernel_shape=[2, 2]),
        node("GlobalAveragePool", "v", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f fc.weight fc.bias", "y", transB=1, alpha=0.5),
    ]
    arrays = {
        "conv.weight": weights(4, 3, 3, 3),
        "conv.bias": weights(4),
        "scale": weights(4),
        "shift": weights(4),
        "mean": weights(4),
        "var": np.abs(weights(4)) + np.float32(0.1),
        "dw.weight": weights(4, 1, 3, 3),
        "low": np.float32(0),
        "high": np.float32(6),
        "fc.weight": weights(5, 4),
        "fc.bias": weights(5),
    }
    return model(nodes, ["N", 3, 8, 8], **arrays)


def reshapes() -> ModelProto:
    """Arithmetic on shapes around a MatMul."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n zeros", "n1"),
        node("Concat", "n1 rest", "t", axis=0),
        node("Reshape", "x t", "r"),
        node("Transpose", "r", "p", perm=[0, 2, 1]),
        node("MatMul", "p w", "q"),
        node("Slice", "q start end axes", "l"),
        node("Pad", "l pads", "o"),
        node("ConstantOfShape", "size", "z"),
        node("Expand", "z big", "e"),
        node("Add", "o e", "a"),
        node("Split", "a", "h i", axis=2, num_outputs=2),
        node("Sub", "h i", "u"),
        node("ReduceMean", "u zeros", "m", keepdims=0),
        node("Softmax", "m", "y"),
    ]
    ints = {
        "zeros": [0],
        "rest": [4, 6],
        "start": [0],
        "end": [3],
        "axes": [1],
        "pads": [0, 1, 0, 0, 1, 0],
        "size": [1],
        "big": [1, 5, 8],
    }
    arrays = {name: np.array(values, np.int64) for name, values in ints.items()}
    return model(nodes, [2, 24], zero=np.int64(0), w=weights(4, 8), **arrays)


def attention() -> ModelProto:
    """ONNX's Attention with heads, layer normalisation, and a GELU."""
    nodes = [
        node("LayerNormalization", "x scale shift", "l"),
        node("MatMul", "l wq", "q"),
        node("MatMul", "l wk", "k"),
        node("MatMul", "l wv", "v"),
        node("Attention", "q k v", "a", q_num_heads=2, kv_num_heads=2),
        node("MatMul", "a wo", "o"),
        node("Add", "x o", "r"),
        node("Gelu", "r", "y"),
    ]
    matrices = {f"w{name}": weights(8, 8) for name in "qkvo"}
    return model(nodes, [1, 3, 8], opset=24, scale=weights(8), shift=weights(8), **matrices)


def qdq() -> ModelProto:
    """A convolution and a dense layer in QDQ form; the convolution's weights have a scale a channel."""
    nodes = [
        node("QuantizeLinear", "x sx zx", "xq"),
        node("DequantizeLinear", "xq sx zx", "xd"),
        node("DequantizeLinear", "wq sw zw", "wd", axis=0),
        node("DequantizeLinear", "bq sb", "bd", axis=0),
        node("Conv", "xd wd bd", "c", strides=[2, 2]),
        node("Relu", "c", "r"),
        node("QuantizeLinear", "r sr zr", "rq"),
        node("DequantizeLinear", "rq sr zr", "rd"),
        node("Flatten", "rd", "f"),
        node("DequantizeLinear", "vq sv", "vd"),
        node("MatMul", "f vd", "y"),
    ]
    arrays = {
        "sx": np.float32(0.02),
        "zx": np.uint8(128),
        "wq": _RNG.integers(-127, 128, (2, 3, 3, 3)).astype(np.int8),
        "sw": np.array([0.01, 0.02], np.float32),
        "zw": np.zeros(2, np.int8),
        "bq": np.array([100, -100], np.int32),
        "sb": np.array([0.0002, 0.0004], np.float32),
        "sr": np.float32(0.05),
        "zr": np.uint8(0),
        "vq": _RNG.integers(-127, 128, (8, 3)).astype(np.int8),
        "sv": np.float32(0.03),
    }
    return model(nodes, [1, 3, 5, 5], **arrays)


def qcdq() -> ModelProto:
    """A dense layer in QCDQ form: widths stand in a Clip on the codes."""
    nodes = [
        node("QuantizeLinear", "x sx zx", "xq"),
        node("Clip", "xq lx hx", "xc"),
        node("DequantizeLinear", "xc sx zx", "xd"),
        node("QuantizeLinear", "w sw zw", "wq"),
        node("Clip", "wq lw hw", "wc"),
        node("DequantizeLinear", "wc sw zw", "wd"),
        node("Gemm", "xd wd b", "y", transB=1),
    ]
    arrays = {
        "sx": np.float32(0.1),
        "zx": np.uint8(0),
        "lx": np.uint8(0),
        "hx": np.uint8(31),
        "w": weights(4, 6),
        "sw": np.float32(0.3),
        "zw": np.int8(0),
        "lw": np.int8(-7),
        "hw": np.int8(7),
        "b": weights(4),
    }
    return model(nodes, ["N", 6], **arrays)


def qonnx() -> ModelProto:
    """Two dense layers with QONNX's Quant."""
    nodes = [
        node("Quant", "x sx zero bits5", "xq", signed=0, narrow=0, rounding_mode="ROUND"),
        node("Quant", "w sw zero bits4", "wq", signed=1, narrow=1, rounding_mode="ROUND"),
        node("MatMul", "xq wq", "m"),
        node("Relu", "m", "r"),
        node("Quant", "r sx zero bits5", "rq", signed=0, narrow=0, rounding_mode="ROUND"),
        node("Quant", "v sw zero bits4", "vq", signed=1, narrow=1, rounding_mode="ROUND"),
        node("MatMul", "rq vq", "y"),
    ]
    arrays = {
        "sx": np.float32(0.1),
        "sw": np.float32(0.25),
        "zero": np.float32(0),
        "bits5": np.float32(5),
        "bits4": np.float32(4),
        "w": weights(6, 5),
        "v": weights(5, 3),
    }
    return model(nodes, ["N", 6], **arrays)


def serialized(proto: ModelProto) -> bytes:
    """A model as the bytes of a file."""
    return cast(bytes, cast(Any, proto).SerializeToString())


MODELS = {
    "dense": dense,
    "conv": conv,
    "reshapes": reshapes,
    "attention": attention,
    "qdq": qdq,
    "qcdq": qcdq,
    "qonnx": qonnx,
}

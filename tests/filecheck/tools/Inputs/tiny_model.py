"""Writes a very small quantised network to the file that is named: `python tiny_model.py tiny.onnx`.

A picture of 2x2, quantised to uint8 in steps of 0.5, goes through a 1x1 convolution with the weights 2 and
-1, and a ReLU.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tiny_model() -> onnx.ModelProto:
    constants = {
        "step": np.array(0.5, np.float32),
        "zero": np.array(0, np.uint8),
        "conv.weight": np.array([2, -1], np.float32).reshape(2, 1, 1, 1),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["codes"], "quantize"),
        helper.make_node("DequantizeLinear", ["codes", "step", "zero"], ["values"], "dequantize"),
        helper.make_node("Conv", ["values", "conv.weight"], ["sums"], "/conv/Conv"),
        helper.make_node("Relu", ["sums"], ["y"], "/Relu"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 2, 2])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def main() -> None:
    path = Path(sys.argv[1])
    path.write_bytes(tiny_model().SerializeToString())
    np.savez(path.with_suffix(".npz"), x=np.array([0, 1, 2.5, 200], np.float32).reshape(1, 1, 2, 2))


if __name__ == "__main__":
    main()

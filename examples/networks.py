"""ResNet-18, VGG-16 and ViT-B/32 in plain torch, for 224x224 pictures and 1000 classes.

The modules carry the usual names, so that a layer's weight is `<layer name>.weight` in the state
dict (`layer1.0.conv1.weight`, `features.0.weight`, `encoder.layers.0.mlp.0.weight`). The weights
are random: these networks are for shapes, costs and exactness, not for accuracy.

    from networks import build
    model, sample = build("vitb32", seed=0)

`python examples/networks.py` prints the number of parameters of each.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class ResNet18(nn.Module):
    """The ImageNet ResNet with 18 layers (11,689,512 parameters)."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class VGG16(nn.Module):
    """VGG-16 without batch normalisation (138,357,544 parameters)."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        features: list[nn.Module] = []
        inputs = 3
        for outputs, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                features += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            features.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*features)
        # A no-op at 224x224; kept because exporters turn it into a node that importers meet.
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, classes),
        )
        # torch's own initial weights would let the signal fade away over 16 layers.
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Product(nn.Module):
    """A matrix product of two activations: a module, so that exporters record a name for it."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a @ b


class SelfAttention(nn.Module):
    """Multi-head self-attention whose two products are the submodules `qk` and `av`."""

    def __init__(self, dim: int, heads: int, tokens: int) -> None:
        super().__init__()
        self.dim, self.heads, self.tokens = dim, heads, tokens
        self.in_proj = nn.Linear(dim, 3 * dim)
        self.qk = Product()
        self.av = Product()
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        # Only the batch is left open in the shapes, so that exporters write them as constants.
        width = self.dim // self.heads
        q, k, v = (
            part.reshape(-1, self.tokens, self.heads, width).transpose(1, 2)
            for part in self.in_proj(x).split(self.dim, -1)
        )
        attention = torch.softmax(self.qk(q * width**-0.5, k.transpose(-2, -1)), -1)
        y = self.av(attention, v).transpose(1, 2).reshape(-1, self.tokens, self.dim)
        return self.out_proj(y)


class EncoderLayer(nn.Module):
    """A transformer block with normalisation before each part."""

    def __init__(self, dim: int, heads: int, hidden: int, tokens: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim, eps=1e-6)
        self.self_attention = SelfAttention(dim, heads, tokens)
        self.ln_2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(0.0), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """The learnt position embedding, the blocks and the last normalisation."""

    def __init__(self, depth: int, dim: int, heads: int, hidden: int, tokens: int) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, dim).normal_(std=0.02))
        self.layers = nn.Sequential(*(EncoderLayer(dim, heads, hidden, tokens) for _ in range(depth)))
        self.ln = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.ln(self.layers(x + self.pos_embedding))


class VisionTransformer(nn.Module):
    """A vision transformer; the defaults are ViT-B/32 (88,224,232 parameters)."""

    def __init__(
        self,
        size: int = 224,
        patch: int = 32,
        channels: int = 3,
        depth: int = 12,
        dim: int = 768,
        heads: int = 12,
        hidden: int = 3072,
        classes: int = 1000,
    ) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(channels, dim, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.encoder = Encoder(depth, dim, heads, hidden, (size // patch) ** 2 + 1)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(dim, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1)
        return self.heads(self.encoder(x)[:, 0])


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": ResNet18,
    "vgg16": VGG16,
    "vitb32": VisionTransformer,
}


def randomise_norms(model: nn.Module, sample: Tensor) -> None:
    """Gives normalisations random gains and offsets, and batch ones the statistics of `sample`.

    With the initial mean 0, variance 1 and gain 1, wrongly handled ones would go unnoticed.
    """
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(norm.weight, 0.5, 1.0)
            nn.init.normal_(norm.bias, std=0.1)
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 1.0
            norm.train()
    with torch.no_grad():
        model(sample)


def build(name: str, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """The network in evaluation mode with random weights, and a random input of batch 1."""
    torch.manual_seed(seed)
    model = NETWORKS[name]()
    randomise_norms(model.eval(), torch.randn(2, 3, 224, 224))
    return model.eval(), torch.randn(1, 3, 224, 224)


if __name__ == "__main__":
    for network in NETWORKS:
        parameters = build(network)[0].parameters()
        print(f"{network}: {sum(p.numel() for p in parameters):,} parameters")

"""Trains a small float vision transformer on Fashion-MNIST and writes it as ONNX.

    OMP_NUM_THREADS=1 python examples/train_vit.py OUT.onnx [--exporter torchscript|dynamo]

2 blocks of width 64 with 4 heads on 16 patches of 7x7. The file's input is `x` (1,1,28,28),
pictures in [0, 1], its output `logits`.
"""

import argparse
import os

import torch
from export import EXPORTERS, export
from fashion_mnist import load
from networks import VisionTransformer
from training import accuracy, accuracy_onnx, train


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out")
    parser.add_argument("--exporter", choices=EXPORTERS, default="dynamo")
    parser.add_argument("--opset", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--pictures", type=int, help="train on so many, default all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(args.seed)
    model = VisionTransformer(size=28, patch=7, channels=1, depth=2, dim=64, heads=4, hidden=256, classes=10)
    train(model, load("train", args.pictures), args.epochs, 3e-3, args.seed)
    test = load("test")
    print(f"float: {accuracy(model, test):.2f} %")
    export(model, torch.rand(1, 1, 28, 28), args.out, args.exporter, args.opset)
    print(f"{args.out} in onnxruntime: {accuracy_onnx(args.out, test):.2f} %")


if __name__ == "__main__":
    main()

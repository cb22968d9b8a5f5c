"""Trains a small network and writes it as a float ONNX file.

    OMP_NUM_THREADS=1 python examples/train.py NAME OUT.onnx [--epochs N] [--seed S] [--held-out N]
    OMP_NUM_THREADS=1 python examples/train.py resnet20 OUT.onnx --data CIFAR10.npz --weights RESNET20.npz

NAME is one of fashion_networks.py, which learns Fashion-MNIST from scratch; the weights of resnet20
are trained on with the pictures of CIFAR10.npz, both as cifar10.py describes them. The file's input
is `x` (batch,channels,height,width), its output `logits`; the batch is open. The accuracy in torch
and that of the file in onnxruntime are printed.
"""

import argparse
import os

import cifar10
import fashion_mnist
import torch
from export import export
from fashion_mnist import Split
from fashion_networks import NETWORKS
from training import accuracy, accuracy_onnx, fine_tune, train

EPOCHS = {"cnn": 8, "depthwise": 12, "resnet8": 10, "vit": 20, "resnet20": 6}


def without_last(data: Split, count: int) -> Split:
    """A split without its last pictures."""
    x, y = data
    return x[: len(x) - count], y[: len(y) - count]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=EPOCHS)
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int, help=f"default {EPOCHS}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", type=int, default=0, help="the last pictures, not trained with")
    parser.add_argument("--data", help="the pictures for resnet20")
    parser.add_argument("--weights", help="the state dict of resnet20")
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(args.seed)
    epochs = args.epochs or EPOCHS[args.name]
    if args.name == "resnet20":
        if not args.data or not args.weights:
            parser.error("resnet20 takes --data and --weights")
        model = cifar10.ResNet(20)
        cifar10.load_weights(model, args.weights)
        test = cifar10.load(args.data, "test")
        print(f"before training: {accuracy(model, test):.2f} %")
        fine_tune(
            model, without_last(cifar10.load(args.data, "train"), args.held_out), epochs, 0.02, args.seed
        )
    else:
        model = NETWORKS[args.name]()
        test = fashion_mnist.load("test")
        rate = 3e-3 if args.name == "vit" else 1e-2
        train(model, without_last(fashion_mnist.load("train"), args.held_out), epochs, rate, args.seed)
    print(f"float: {accuracy(model, test):.2f} %")
    export(model, torch.from_numpy(test[0][:1]), args.out, dynamic_batch=True)
    print(f"{args.out} in onnxruntime: {accuracy_onnx(args.out, test):.2f} %")


if __name__ == "__main__":
    main()

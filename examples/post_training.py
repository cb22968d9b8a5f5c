"""The accuracy of trained float networks after `cimc` has quantised them, without any training.

    python examples/post_training.py resnet20 --data CIFAR10.npz --weights RESNET20.npz
    python examples/post_training.py efficientnet_lite0 --data IMAGENET.npz

prints top-1 in float and at some widths, for each way to choose the activations' ranges. The files
are those of cifar10.py and efficientnet_lite0.py; there `--weights` may be left out. ResNet-20's
ranges come from training pictures, EfficientNet-Lite0's from the last pictures of the file, which
it is not tested on. The networks run at the `cim` level, whose integers are those of the crossbars.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cifar10
import efficientnet_lite0
import numpy as np
import torch
from export import export
from numpy.typing import NDArray

import cimc
from cimc.passes.cim_calibrate import CimCalibratePass
from cimc.program import Program
from cimc.runtime.calibration import METHODS

BATCHES = {"resnet20": 100, "efficientnet_lite0": 10}
BITS = ((8, 8), (6, 6), (4, 4))


@dataclass(frozen=True)
class Task:
    """A network as an ONNX file, the pictures to measure ranges with, and those to test it on."""

    model: Path
    batch: int
    x_calibrate: NDArray[np.float32]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]

    def floats(self) -> Program:
        """The network at the `onnx` level, in float."""
        return cimc.compile(self.model, batch=self.batch, emit="onnx")

    def quantised(self, bits: tuple[int, int], method: str = "mse") -> Program:
        """The network at the `cim` level, its ranges chosen by `method`."""
        program = cimc.compile(self.model, batch=self.batch, bits=bits, emit="cim")
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "x.npz"
            np.savez(data, x=self.x_calibrate)
            calibrate = CimCalibratePass(str(data), method, len(self.x_calibrate))
            calibrate.apply(program.ctx, program.module)
        return program

    def accuracy(self, program: Program) -> float:
        """Percent of the test pictures that are right. Raises `SystemExit` if an output is no number."""
        logits = single(program.run(self.x_test))
        if not np.isfinite(logits).all():
            raise SystemExit(f"{self.model}: an output is not finite")
        return 100 * float((logits.argmax(1) == self.y_test).mean())


def single(outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The only output."""
    (array,) = outputs.values()
    return array


def task(
    network: str, folder: Path, data: Path, weights: Path | None, pictures: int, calibration: int
) -> Task:
    """Writes the network to `folder` and reads the pictures."""
    model_file = folder / f"{network}.onnx"
    if network == "resnet20":
        if weights is None:
            raise SystemExit("resnet20 needs --weights")
        model: torch.nn.Module = cifar10.ResNet(20)
        cifar10.load_weights(model, weights)
        x_calibrate, _ = cifar10.load(data, "train", calibration)
        x_test, y_test = cifar10.load(data, "test", pictures)
    else:
        model = efficientnet_lite0.EfficientNetLite0()
        efficientnet_lite0.load_weights(model, weights)
        x, y = efficientnet_lite0.load(data)
        pictures = min(pictures, len(x) - calibration)
        x_calibrate, x_test, y_test = x[-calibration:], x[:pictures], y[:pictures]
    # Two pictures: the exporter takes a batch of one for a constant.
    export(model, torch.from_numpy(x_test[:2]), model_file, dynamic_batch=True)
    return Task(model_file, BATCHES[network], x_calibrate, x_test, y_test)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", choices=list(BATCHES))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--pictures", type=int, help="how many to test on, default all but the calibration's")
    parser.add_argument("--calibration", type=int, default=100, help="how many measure the ranges")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--bits", nargs="+", metavar="W,A", help="widths, default 8,8 6,6 4,4")
    args = parser.parse_args()
    widths = [tuple(map(int, text.split(","))) for text in args.bits] if args.bits else BITS
    with tempfile.TemporaryDirectory() as folder:
        pictures = args.pictures or {"resnet20": 5000, "efficientnet_lite0": 400}[args.network]
        work = task(args.network, Path(folder), args.data, args.weights, pictures, args.calibration)
        start = time.time()
        print(f"{args.network}, {len(work.x_test)} pictures, ranges from {len(work.x_calibrate)}")
        print(f"float {work.accuracy(work.floats()):6.2f} %   ({time.time() - start:.0f} s)\n")
        print("  ".join(["w/a  ", *(f"{method:>10}" for method in args.methods)]))
        for weight_bits, activation_bits in widths:
            cells = [f"{weight_bits}/{activation_bits}  "]
            for method in args.methods:
                program = work.quantised((weight_bits, activation_bits), method)
                cells.append(f"{work.accuracy(program):8.2f} %")
            print("  ".join(cells), flush=True)


if __name__ == "__main__":
    main()

"""Fashion-MNIST: 60,000 + 10,000 grey pictures of 28x28 in 10 classes.

    python examples/fashion_mnist.py --npz OUT.npz [--train N] [--test N] [--held-out N]

writes the arrays x_train, y_train, x_test, y_test: pictures NCHW float32 in [0, 1], labels int64. The last
pictures for training that are held out are x_val, y_val: a search selects with them, and has to know how good
it is on pictures that the network has not been trained with.

The pictures come from the Debian package dataset-fashion-mnist: installed, or already in `.cache`
of the current directory, or else downloaded there (which needs no root, only apt-get and dpkg-deb).
"""

import argparse
import gzip
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKAGE = "dataset-fashion-mnist"
INSTALLED = Path("/usr/share/datasets/fashion-mnist")
CACHE = Path(".cache/fashion-mnist")

Split = tuple[NDArray[np.float32], NDArray[np.int64]]


def find() -> Path:
    """The folder with the four files."""
    unpacked = CACHE / INSTALLED.relative_to("/")
    for folder in (INSTALLED, CACHE, unpacked):
        if (folder / "train-images-idx3-ubyte.gz").exists():
            return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", PACKAGE], cwd=CACHE, check=True)
    (package,) = CACHE.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(CACHE)], check=True)
    package.unlink()
    return unpacked


def read(path: Path) -> NDArray[np.uint8]:
    """The array in an idx file of bytes."""
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def load(split: str, count: int | None = None) -> Split:
    """The first `count` pictures and labels of `train` or `test`."""
    prefix = {"train": "train", "test": "t10k"}[split]
    folder = find()
    x = read(folder / f"{prefix}-images-idx3-ubyte.gz")[:count, None]
    y = read(folder / f"{prefix}-labels-idx1-ubyte.gz")[:count]
    return x.astype(np.float32) / np.float32(255), y.astype(np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", required=True, help="the file to write")
    parser.add_argument("--train", type=int, help="how many pictures, default all")
    parser.add_argument("--test", type=int, help="how many pictures, default all")
    parser.add_argument("--held-out", type=int, default=0, help="how many of those for training")
    args = parser.parse_args()
    x_train, y_train = load("train", args.train)
    x_test, y_test = load("test", args.test)
    arrays = {"x_test": x_test, "y_test": y_test}
    if args.held_out:
        arrays |= {"x_val": x_train[-args.held_out :], "y_val": y_train[-args.held_out :]}
    kept = len(x_train) - args.held_out
    np.savez_compressed(args.npz, x_train=x_train[:kept], y_train=y_train[:kept], **arrays)


if __name__ == "__main__":
    main()

"""A small trained network on crossbars: accuracy on real pictures, and the time it takes.

    python examples/demo.py [--pictures N]

needs no torch. The network is models/fashion_mixed_qcdq.onnx, which train_fashion_mnist.py has made:
every layer has widths of its own. The pictures are Fashion-MNIST's test set, see fashion_mnist.py.
The compiled program is written to .cache/demo.
"""

import argparse
import time
from pathlib import Path

import fashion_mnist
import numpy as np

import cimc
from cimc.report import Report
from cimc.tools.compare import compare, reference_outputs


def shorter(path: Path) -> Path:
    """The path from the current directory, if it lies there."""
    here = Path.cwd()
    return path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path


MODEL = shorter(Path(__file__).parent / "models" / "fashion_mixed_qcdq.onnx")
OUT = Path(".cache/demo")
BATCH = 100
CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


def print_latency(mixed: Report, plain: Report) -> None:
    """The layers of one picture, at the trained widths and at 8 bits with the paper's mapping."""
    row = "  {:<18}{:>10}{:>9}{:>10}{:>9}{:>11}{:>9}"
    print(row.format("layer", "matrix", "vectors", "bits w/a", "ms", "ms at 8/8", "faster"))
    for layer, other in zip(mixed.layers, plain.layers, strict=True):
        shape, widths = layer.shape, f"{layer.weight_bits}/{layer.activation_bits}"
        matrix = f"{shape.inputs}x{shape.outputs}"
        both = times(layer.cost.crossbar_ps, other.cost.crossbar_ps)
        print(row.format(shape.name, matrix, shape.vectors, widths, *both))
    print(row.format("all in turn", "", "", "", *times(mixed.latency_ps, plain.latency_ps)))


def times(mixed_ps: int, plain_ps: int) -> tuple[str, str, str]:
    """Both times in milliseconds, and their ratio."""
    here, there = mixed_ps / 1e9, plain_ps / 1e9
    return f"{here:.3f}", f"{there:.3f}", f"{there / here:.2f}x"


def print_some(logits: np.ndarray, labels: np.ndarray) -> None:
    """What the first pictures were taken for."""
    for index, (row, label) in enumerate(zip(logits[:5], labels[:5], strict=True)):
        odds = np.exp(row - row.max())
        found = CLASSES[row.argmax()]
        print(f"  picture {index}: {found} ({100 * odds.max() / odds.sum():.0f} %), it is a {CLASSES[label]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=1000, help=f"how many, a multiple of {BATCH}")
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)

    x, labels = fashion_mnist.load("test", args.pictures)
    np.savez(OUT / "pictures.npz", x=x, label=labels)
    print(f"Network   {MODEL}: 7 layers, weights of 2 to 8 bits, activations of 3 to 8 bits")
    print(f"Pictures  {len(x)} of Fashion-MNIST's test set, 28x28, 10 classes\n")

    start = time.perf_counter()
    program = cimc.compile(MODEL, batch=BATCH)
    program.save(OUT / "program.mlir")
    target = program.report().target
    crossbar = f"{target.rows}x{target.cols} cells of {target.cell_bits} bits"
    print(f"Compiled in {time.perf_counter() - start:.1f} s for {target.name}, a crossbar of {crossbar}")
    for name in ("program.mlir", "program.safetensors"):
        print(f"  {OUT / name}, {(OUT / name).stat().st_size / 1000:.0f} kB")

    start = time.perf_counter()
    logits = cimc.load(OUT / "program.mlir").run(x)["logits"]
    print(f"\nExecuted bit by bit exact on the simulated crossbars in {time.perf_counter() - start:.1f} s")
    print_some(logits, labels)
    print(f"  accuracy {100 * (logits.argmax(1) == labels).mean():.2f} %")
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        print("  not compared with onnxruntime: pip install 'cimc[compare]'")
    else:
        found = compare("logits", logits, reference_outputs(MODEL, {"x": x})["logits"], None)
        print(
            f"  the same top-1 as onnxruntime for {found.same_top1} of {found.samples} pictures, "
            f"largest difference of a logit {found.largest_difference:.1e}"
        )

    print("\nTime on the chip for one picture, at the trained widths, and with 8 bits everywhere and -O0\n")
    mixed = cimc.compile(MODEL, emit="report")
    plain = cimc.compile(MODEL, bits=(8, 8), opt_level=0, emit="report")
    print_latency(mixed.report(), plain.report())

    print("\nThe same from the command line\n")
    print(f"  cimc {MODEL} --batch {BATCH} -o {OUT / 'program.mlir'}")
    print(f"  cimc run {OUT / 'program.mlir'} --input {OUT / 'pictures.npz'} --compare {MODEL}")


if __name__ == "__main__":
    main()

"""What compiling takes: time from the start of the process to files on disk, and peak memory.

    OMP_NUM_THREADS=1 python benchmarks/compile.py [--networks resnet18 vitb32 vgg16] [--repeat N]

The networks are exported once to .cache/bench (VGG-16 has 553 MB). Of each figure the best of the
repetitions is shown. The yardsticks, `onnx.load` and numpy reading and writing the same bytes, run
in the same way, a process each.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "bench"
BIN = Path(sys.executable).parent

AIMS = {"resnet18": 2, "vitb32": 4, "vgg16": 8}
"""Seconds that `--emit=xbar` should stay below."""

LOAD = "import sys, cimc; cimc.load(sys.argv[1])"
ONNX_LOAD = "import sys, onnx; onnx.load(sys.argv[1])"
COPY = "import sys, numpy as np; np.fromfile(sys.argv[1], np.uint8).tofile(sys.argv[2])"


@dataclass(frozen=True)
class Cost:
    """The wall time of a process, and the most memory it held."""

    seconds: float
    megabytes: float


def measure(command: list[str | Path], repeat: int) -> Cost:
    """The best of some runs. Raises `SystemExit` if one fails."""
    costs: list[Cost] = []
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"} | {"OMP_NUM_THREADS": "1"}
    for _ in range(repeat):
        start = time.perf_counter()
        # Not resource.RUSAGE_CHILDREN, which is the largest of all children so far.
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        message = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{message}")
        costs.append(Cost(seconds, usage.ru_maxrss / 1024))
    return Cost(min(c.seconds for c in costs), min(c.megabytes for c in costs))


def export(network: str, *options: str) -> Path:
    """The network as ONNX, made by a process of its own, so that torch's memory is not ours."""
    path = CACHE / f"{network}.onnx"
    if not path.exists():
        print(f"exporting {network}", file=sys.stderr)
        part = path.with_suffix(".part")
        command = [sys.executable, ROOT / "examples" / "export.py", network, part, *options]
        subprocess.run(command, check=True, stdout=sys.stderr)
        part.rename(path)
    return path


def print_row(name: str, cost: Cost, note: str = "") -> None:
    print(f"  {name:<34}{cost.seconds:8.2f} s{cost.megabytes:9.0f} MB   {note}".rstrip(), flush=True)


def bench(network: str, repeat: int) -> None:
    """Prints the rows of one network."""
    model = export(network)
    size = model.stat().st_size / 1e6
    folder = CACHE / network
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    data, program, copy = folder / "x.npz", folder / "program.mlir", folder / "copy.bin"
    np.savez(data, x=np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32))
    bits = "--bits=8,8"
    print(f"{network}, {size:.0f} MB of ONNX")

    def compiled(*options: str) -> Cost:
        command: list[str | Path] = [BIN / "cimc", model, bits, f"--calibrate={data}", *options]
        return measure([*command, "-o", program], repeat)

    paper, freest = compiled("-O0"), compiled("--mapping=any")
    default = compiled()  # the last, whose program is loaded below
    memory = f"{default.megabytes * 1.048576 / size:.1f}x the file"
    print_row("cimc --emit=xbar -o", default, f"aim {AIMS[network]} s; memory {memory}, aim 3x")
    print_row("the same with -O0", paper, f"-O1 takes {default.seconds / paper.seconds:.1f}x that, aim 2x")
    print_row("the same with --mapping any", freest, f"{freest.seconds / paper.seconds:.1f}x -O0, aim 2x")
    print_row(
        "cimc --emit=report",
        measure([BIN / "cimc", model, bits, "--emit=report", "-o", folder / "report.txt"], repeat),
    )
    print_row("cimc.load: read, verify, digests", measure([sys.executable, "-c", LOAD, program], repeat))
    weights = program.with_suffix(".safetensors")
    print_row("yardstick: onnx.load", measure([sys.executable, "-c", ONNX_LOAD, model], repeat))
    print_row("yardstick: numpy copies the file", measure([sys.executable, "-c", COPY, model, copy], repeat))
    sizes = (f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in (program, weights))
    print(f"  {', '.join(sizes)}\n", flush=True)
    shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=list(AIMS), default=list(AIMS))
    parser.add_argument("--repeat", type=int, default=2, help="runs of each, default 2")
    args = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    print("start-up")
    for tool in ("cimc", "cimc-opt"):
        print_row(f"{tool} --help", measure([BIN / tool, "--help"], args.repeat))
    python: list[str | Path] = [sys.executable, "-c", "pass"]
    print_row("yardstick: python", measure(python, args.repeat))
    print_row("yardstick: import numpy", measure([*python[:2], "import numpy"], args.repeat))
    print(flush=True)
    for network in args.networks:
        bench(network, args.repeat)


if __name__ == "__main__":
    main()

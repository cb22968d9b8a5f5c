"""How fast products are simulated, beside what the same machine could do and beside other simulators.

    make bench-simulate          or OMP_NUM_THREADS=1 python benchmarks/simulate.py [--seconds S]

A, a crossbar: 256 x 256 weights from -15 to 15 in pairs of 4-bit cells, 1024 vectors of 8 bits, bit by bit.
B, a layer: 64 channels to 64, 3 x 3, on 56 x 56 pixels, else as A; 576 rows make three tiles. Our figures and
   numpy's include taking the windows out of the picture, and adding up the tiles' sums.
C, a network: ResNet-18, a picture of 224 x 224 at 8/8 bits in slices of 4 bits; all of `Program.run`. With
   -O0 it is mapped as by other simulators, without, some layers take several bits of an input at once.

A and B are `ProgrammedTile.add_products`, after a first run, which programs the tiles. The floors are what
numpy, and onnxruntime's product of integers, take for the same reads: every bit of every vector is a row of
the product. Times are CPU time of one thread: of each figure the shortest of the runs that S seconds allow.

Until an array of 32 MB has been freed once, as loading a network does, glibc gives freed memory back at once,
and fresh pages cost as much as the rest of A, ours and numpy's: one is freed before anything is measured.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from compile import CACHE, ROOT, export
from mapping import table
from peers import PEERS, Peer

import cimc
from cimc.runtime.analog.adc import Adc
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.analog.streams import Drawn, stream_of
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import Encoding
from cimc.runtime.layout import im2col
from cimc.runtime.products import multiplier
from cimc.runtime.tile import Tile
from cimc.target import DEFAULT_TARGET, load_target

BITS, ROWS, LARGEST = 8, 256, 15
ENCODING = Encoding("differential-column", 4, 1)
ADC = Adc(bits=8)
RNG = np.random.default_rng(0)

CHIPS = {
    "8-bit ADC": Analog(adc=ADC),
    "ideal ADC": Analog(),
    "8-bit DAC and ADC, one read a product": Analog(adc=ADC, dac_bits=8),
    "read noise, ideal ADC": Analog(cells=Cells(read_noise=0.01)),
    "read noise, 8-bit ADC": Analog(adc=ADC, cells=Cells(read_noise=0.01)),
}

ASKED = {
    ("A", "8-bit ADC"): 2.5,
    ("A", "ideal ADC"): 0.6,
    ("A", "read noise, ideal ADC"): 7.0,
    ("A", "read noise, 8-bit ADC"): 7.0,
    ("B", "8-bit ADC"): 8.0,
    ("B", "ideal ADC"): 2.5,
    ("C", "8-bit ADC"): 250.0,
    ("C", "ideal ADC"): 60.0,
}
"""Milliseconds that ours should stay below."""


def fastest_ms(run: Callable[[], object], seconds: float) -> float:
    """The shortest of the runs that so much time allows, three at least, after one that does not count."""
    run()
    end, times = time.perf_counter() + seconds, list[float]()
    while len(times) < 3 or time.perf_counter() < end:
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times) * 1e3


@dataclass(frozen=True)
class Workload:
    """Codes, how they become vectors [vectors, inputs], and weights [inputs, outputs]."""

    name: str
    codes: Array
    vectors: Callable[[Array], Array]
    weights: Array

    def ours(self, chip: Analog) -> Callable[[], Array]:
        """Its products, tile by tile, by our simulator."""
        cells = ENCODING.encode(self.weights)[None]
        inputs, outputs = self.weights.shape
        columns = ((0, ENCODING.columns(outputs)),)
        tiles = [ProgrammedTile(cells, Tile(0, (rows,), columns), chip) for rows in _tiles(inputs)]
        rng = stream_of(0, 0, Drawn.READ)

        def run() -> Array:
            vectors = self.vectors(self.codes)
            sums = np.zeros((len(vectors), outputs), np.int32)
            for tile in tiles:
                tile.add_products(vectors, sums, ENCODING, BITS, rng=rng, counts=ReadCounts())
            return sums

        return run

    def in_numpy(self) -> Array:
        """The same with an 8-bit ADC, plainly: float32 products of what stays in cache."""
        vectors = self.vectors(self.codes)
        sums = np.zeros((len(vectors), self.weights.shape[1]), np.float32)
        places = np.float32(2) ** np.arange(BITS, dtype=np.float32)
        shifts = np.arange(BITS, dtype=np.uint8)[:, None, None]
        for start, end in _tiles(len(self.weights)):
            weights = self.weights[start:end].astype(np.float32)
            step = np.float32((end - start) * LARGEST / 127)
            for first in range(0, len(vectors), 256):
                block = slice(first, first + 256)
                bits = (vectors[block, start:end] >> shifts) & np.uint8(1)
                reads = bits.reshape(-1, end - start).astype(np.float32) @ weights
                reads /= step
                np.rint(reads, out=reads)
                np.clip(reads, -127, 127, out=reads)
                sums[block] += (places @ reads.reshape(BITS, -1)).reshape(-1, sums.shape[1]) * step
        return sums

    def int8_products(self, times: int) -> Callable[[], object]:
        """onnxruntime's products of integers alone, of so many rows a vector."""
        count = len(self.vectors(self.codes))
        multiply = multiplier("int8")
        assert multiply is not None, "onnxruntime is not installed"
        weights = self.weights.astype(np.int8)
        pairs = [
            (RNG.integers(0, 2, (times * count, end - start), np.uint8), weights[start:end])
            for start, end in _tiles(len(weights))
        ]
        return lambda: [multiply.exact(x, w) for x, w in pairs]


def _tiles(inputs: int) -> list[tuple[int, int]]:
    return [(start, min(start + ROWS, inputs)) for start in range(0, inputs, ROWS)]


def _windows(picture: Array) -> Array:
    return im2col(
        picture,
        matrices=1,
        inputs=9 * picture.shape[1],
        kernel=(3, 3),
        strides=(1, 1),
        pads=(1, 1, 1, 1),
        dilations=(1, 1),
        pad_code=0,
    )[0]


def workloads() -> tuple[Workload, Workload]:
    """A and B, of random codes."""
    weights = [RNG.integers(-LARGEST, LARGEST + 1, shape) for shape in ((256, 256), (576, 64))]
    codes = [RNG.integers(0, 1 << BITS, shape, np.uint8) for shape in ((1024, 256), (1, 64, 56, 56))]
    return (
        Workload("A", codes[0], lambda x: x, weights[0]),
        Workload("B", codes[1], _windows, weights[1]),
    )


def of_workload(workload: Workload, seconds: float) -> Iterator[tuple[str, float]]:
    """Who simulates it, and the milliseconds it takes."""
    for chip, analog in CHIPS.items():
        yield f"cimc, {chip}", fastest_ms(workload.ours(analog), seconds)
    yield "floor: numpy float32 in blocks, 8-bit ADC", fastest_ms(workload.in_numpy, seconds)
    yield "floor: int8 products of all bits alone", fastest_ms(workload.int8_products(BITS), seconds)
    yield "int8 product at once, no analog model", fastest_ms(workload.int8_products(1), seconds)


def of_peers(seconds: float) -> Iterator[tuple[str, str, float | None]]:
    """Workload, simulator and its milliseconds, None if it is not installed."""
    for name, open_peer in PEERS.items():
        try:
            peer = open_peer()
        except ImportError:
            yield from ((workload, name, None) for workload in "ABC")
            continue
        label = f"{name} {version(name)}, one 8-bit ADC a product"
        for workload, run in _peer_runs(peer).items():
            yield workload, label, fastest_ms(run, seconds)


def _peer_runs(peer: Peer) -> dict[str, Callable[[], object]]:
    import torch

    sys.path.append(str(ROOT / "examples"))
    from networks import build

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    model, picture = build("resnet18")
    layers: dict[str, tuple[Any, Any]] = {
        "A": (peer.linear(256, 256), torch.rand(1024, 256)),
        "B": (peer.conv(64, 64), torch.rand(1, 64, 56, 56)),
        "C": (peer.network(model), picture),
    }
    return {name: partial(layer.eval(), x) for name, (layer, x) in layers.items()}


@dataclass(frozen=True)
class NetworkRun:
    """A network that was compiled and simulated in a process of its own."""

    first_ms: float
    """The first run, which programs and checks all tiles."""
    later_ms: float
    """The shortest of the later ones."""
    total_s: float
    """All runs, the first one too."""
    compiled_mb: float
    """The most memory that the process had held when it had compiled."""
    peak_mb: float
    """The most memory that it held at all."""


PIXELS = {"resnet18": 224, "vgg16": 224, "resnet20": 32}
"""Along each side of a network's pictures, which have three channels."""


def run_network(name: str, adc_bits: int, dac_bits: int, opt_level: int, batch: int, runs: int) -> NetworkRun:
    """Runs a network once and then so often again, on other pictures each time."""
    import resource

    def memory_mb() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    pictures = RNG.normal(size=(runs + 1, batch, 3, PIXELS[name], PIXELS[name])).astype(np.float32)
    program = cimc.compile(
        CACHE / f"{name}.onnx",
        target=replace(load_target(DEFAULT_TARGET), adc=Adc(bits=adc_bits or None), dac_bits=dac_bits),
        bits=(8, 8),
        calibrate={"x": pictures[0, :1]},
        batch=batch,
        opt_level=1 if opt_level else 0,
    )
    compiled_mb, times = memory_mb(), list[float]()
    for x in pictures:
        start = time.process_time()
        program.run(x)
        times.append(1e3 * (time.process_time() - start))
    return NetworkRun(times[0], min(times[1:]), sum(times) / 1e3, compiled_mb, memory_mb())


def in_process(*arguments: str | int) -> NetworkRun:
    """`run_network` in a process of its own, so that its memory is counted alone."""
    command = [sys.executable, __file__, "--network", *map(str, arguments)]
    return NetworkRun(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


PICTURES, BATCH = 5000, 50
"""Of ResNet-20, how many at all and how many a run."""

LARGE_RUNS = (
    ("ResNet-18, a picture, 8-bit ADC, -O0", ("resnet18", 8, 1, 0, 1, 10)),
    ("ResNet-18, a picture, 8-bit ADC", ("resnet18", 8, 1, 1, 1, 10)),
    ("ResNet-18, a picture, ideal ADC, -O0", ("resnet18", 0, 1, 0, 1, 10)),
    ("ResNet-18, a picture, ideal ADC", ("resnet18", 0, 1, 1, 1, 10)),
    ("ResNet-18, a picture, 8-bit DAC and ADC, -O0", ("resnet18", 8, 8, 0, 1, 10)),
    ("VGG-16, a picture, 8-bit ADC", ("vgg16", 8, 1, 1, 1, 2)),
    (
        f"ResNet-20, {PICTURES:,} pictures, {BATCH} a run, 8-bit ADC",
        ("resnet20", 8, 1, 1, BATCH, PICTURES // BATCH - 1),
    ),
)
"""What is run, and the arguments of `run_network`."""

MEMORY_ASKED = {"resnet18": "<= 1024 over the weights' 47", "vgg16": "<= 8192"}


def asked(workload: str, chip: str) -> str:
    limit = ASKED.get((workload, chip))
    return "" if limit is None else f"<= {limit:g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="for each figure, default 2")
    parser.add_argument("--network", nargs=6, metavar="", help="for the processes that this one starts")
    args = parser.parse_args()
    if args.network:
        name, *numbers = args.network
        print(json.dumps(asdict(run_network(name, *map(int, numbers)))))
        return
    for name in PIXELS:
        export(name, *["--dynamic-batch"] * (name == "resnet20"))
    np.empty(31 << 20, np.uint8)  # see above
    rows: list[tuple[str, ...]] = []
    for workload in workloads():
        for who, ms in of_workload(workload, args.seconds):
            rows.append((workload.name, who, f"{ms:.2f}", asked(workload.name, who.removeprefix("cimc, "))))
    networks: list[tuple[str, ...]] = []
    for label, arguments in LARGE_RUNS:
        run = in_process(*arguments)
        seconds = (run.first_ms / 1e3, run.later_ms / 1e3, run.total_s)
        memory = (f"{run.peak_mb:.0f}", MEMORY_ASKED.get(str(arguments[0]), ""))
        networks.append((label, *(f"{x:.2f}" for x in seconds), f"{run.compiled_mb:.0f}", *memory))
        if arguments[0] == "resnet18":
            chip = label.removeprefix("ResNet-18, a picture, ")
            rows.append(("C", f"cimc, {chip}", f"{run.later_ms:.0f}", asked("C", chip.removesuffix(", -O0"))))
    for name, who, ms in of_peers(args.seconds):
        rows.append((name, who, "not installed" if ms is None else f"{ms:.1f}", ""))
    rows.sort(key=lambda row: row[0])
    print("\n".join(table(("", "who", "ms", "asked"), rows)), end="\n\n")
    header = ("", "first run, s", "a later one, s", "all runs, s", "compiled, MB", "peak, MB", "asked")
    print("\n".join(table(header, networks)))


if __name__ == "__main__":
    main()

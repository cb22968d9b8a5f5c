"""Accuracy against what is not ideal about a chip: tables and a plot for the documentation.

    python benchmarks/accuracy.py DATA.npz WEIGHTS.npz [--test N] [--trials N] [--workers N] [-o TABLES.md]

WEIGHTS.npz is the state dict of a CIFAR-10 ResNet, DATA.npz its pictures, both as examples/cifar10.py takes
them. The network is quantised to 8 bits after training, with 512 pictures of the training set, and compiled
in four ways. One thing at a time is made worse: the ADCs' bits, noise, faults, the on/off ratio. The plot
lies beside the tables, as .svg.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from rich.console import Console
from rich.progress import track

import cimc
from cimc.main_function import set_target
from cimc.passes.xbar_calibrate_adc import XbarCalibrateAdcPass
from cimc.runtime.arrays import Array
from cimc.runtime.threads import use_threads

WAYS = {
    "differential-column, -O0": ("differential-column", 0),
    "differential-column, -O1": ("differential-column", 1),
    "offset, -O0": ("offset", 0),
    "offset, -O1": ("offset", 1),
}
"""How the network is compiled: the mapping, and the optimisation level."""

BATCH = 100
TRAIN = 512


@dataclass(frozen=True)
class Sweep:
    """Values of one thing that is not ideal."""

    title: str
    key: str
    """The key of the target's tables; `adc` and `calibrated` stand for the ADCs' bits."""
    values: Sequence[float]
    random: bool = True

    def targets(self, value: float) -> cimc.Target:
        """The target with a value."""
        ideal = cimc.load_target("rram-256x256-c4")
        match self.key:
            case "adc" | "calibrated":
                return ideal.with_adc(int(value))
            case "stuck":
                return ideal.with_noise(stuck_at_off=value / 2, stuck_at_on=value / 2)
            case _:
                return ideal.with_noise(**{self.key: value})


NOISE = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
SWEEPS = (
    Sweep("ADC bits, full range", "adc", range(4, 13), random=False),
    Sweep("ADC bits, calibrated range", "calibrated", range(4, 13), random=False),
    Sweep("read noise, share of the conductance range", "read_noise", NOISE),
    Sweep("programming noise, share of the conductance range", "programming_noise", NOISE),
    Sweep("stuck cells, half of them off, half on", "stuck", (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)),
    Sweep("on/off ratio", "on_off_ratio", (2, 5, 10, 20, 50, 100, 1000), random=False),
)


@dataclass(frozen=True)
class Task:
    """One point of a sweep: a trial of a program."""

    sweep: int
    value: float
    way: str
    trial: int


class Worker:
    """A process that runs tasks."""

    folder: ClassVar[Path]
    test: ClassVar[dict[str, Array]]
    programs: ClassVar[dict[str, cimc.Program]] = {}

    @classmethod
    def start(cls, folder: Path) -> None:
        use_threads(1)
        cls.folder = folder
        with np.load(folder / "test.npz") as data:
            cls.test = dict(data)

    @classmethod
    def run(cls, task: Task) -> tuple[Task, float]:
        sweep = SWEEPS[task.sweep]
        target = sweep.targets(task.value)
        program = cls.program(task.way)
        if sweep.key == "calibrated":
            program = cimc.load(cls.folder / f"{task.way}.mlir")
            set_target(program.module, target)
            XbarCalibrateAdcPass(str(cls.folder / "train.npz")).apply(program.ctx, program.module)
        return task, cls.accuracy(program, target, task.trial)

    @classmethod
    def accuracy(cls, program: cimc.Program, target: cimc.Target | None = None, trial: int = 0) -> float:
        """The share of the pictures that are right."""
        scores = program.run(cls.test["x"], target=target, trial=trial)["logits"]
        return float(np.mean(scores.argmax(axis=1) == cls.test["y"]))

    @classmethod
    def program(cls, way: str) -> cimc.Program:
        if way not in cls.programs:
            cls.programs[way] = cimc.load(cls.folder / f"{way}.mlir")
        return cls.programs[way]


def prepare(data: Path, weights: Path, test: int, folder: Path) -> None:
    """Writes pictures and compiled programs into a folder."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    import torch
    from cifar10 import ResNet, load, load_weights
    from export import export

    with np.load(weights) as arrays:
        layers = sum(arrays[name].ndim == 4 for name in arrays.files) + 1
    model = ResNet(layers)
    load_weights(model, weights)
    export(model, torch.zeros(2, 3, 32, 32), folder / "network.onnx", dynamic_batch=True)
    x_test, y_test = load(data, "test", test)
    np.savez(folder / "test.npz", x=x_test, y=y_test)
    np.savez(folder / "train.npz", x=load(data, "train", TRAIN)[0])
    for way, (mapping, level) in WAYS.items():
        program = cimc.compile(
            folder / "network.onnx",
            bits=(8, 8),
            calibrate=folder / "train.npz",
            mapping=mapping,
            opt_level=level,
            batch=BATCH,
        )
        program.save(folder / f"{way}.mlir")


def tasks(trials: int) -> Iterator[Task]:
    """All points, and, as values of no sweep, the ideal chip."""
    for way in WAYS:
        for number, sweep in enumerate(SWEEPS):
            for value in sweep.values:
                for trial in range(trials if sweep.random else 1):
                    yield Task(number, value, way, trial)


def tables(found: dict[Task, float], ideal: dict[str, float], pictures: int, trials: int) -> Iterator[str]:
    """The tables, as Markdown."""
    yield "# Accuracy on chips that are not ideal"
    yield ""
    yield (
        f"ResNet-20, CIFAR-10, 8-bit weights and activations, 4-bit cells, {pictures} pictures, accuracy in "
        f"percent; where chance plays a part, mean and deviation of {trials} trials. Made by "
        "`make bench-accuracy`; [simulator.md](simulator.md) says what each model is."
    )
    yield ""
    yield "![The tables as a plot](accuracy_tables.svg)"
    yield ""
    yield "| | " + " | ".join(WAYS) + " |"
    yield "| --- |" + " ---: |" * len(WAYS)
    yield "| ideal | " + " | ".join(f"{100 * ideal[way]:.2f}" for way in WAYS) + " |"
    for number, sweep in enumerate(SWEEPS):
        yield ""
        yield f"## {sweep.title[0].upper()}{sweep.title[1:]}"
        yield ""
        yield "| | " + " | ".join(WAYS) + " |"
        yield "| --- |" + " ---: |" * len(WAYS)
        for value in sweep.values:
            cells: list[str] = []
            for way in WAYS:
                points = 100 * np.array(points_of(found, number, value, way))
                spread = f" ± {points.std(ddof=1):.2f}" if len(points) > 1 else ""
                cells.append(f"{points.mean():.2f}{spread}")
            yield f"| {value:g} | {' | '.join(cells)} |"


def points_of(found: dict[Task, float], sweep: int, value: float, way: str) -> list[float]:
    """The accuracies of a point's trials."""
    return [
        share for task, share in found.items() if (task.sweep, task.value, task.way) == (sweep, value, way)
    ]


def plot(found: dict[Task, float], ideal: dict[str, float], path: Path) -> None:
    """One panel a sweep, one line a way of compiling."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "cimc"  # the same file from the same numbers
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(13, 7), sharey=True, layout="constrained")
    for number, (sweep, panel) in enumerate(zip(SWEEPS, axes.flat, strict=True)):
        for way, (mapping, level) in WAYS.items():
            points = [100 * np.array(points_of(found, number, value, way)) for value in sweep.values]
            panel.errorbar(
                list(sweep.values),
                [p.mean() for p in points],
                yerr=[p.std(ddof=1) if len(p) > 1 else 0 for p in points],
                color="tab:blue" if mapping == "differential-column" else "tab:orange",
                linestyle="-" if level else "--",
                marker=".",
                capsize=2,
                label=way,
            )
        panel.axhline(100 * max(ideal.values()), color="grey", linewidth=0.8, linestyle=":")
        panel.set_xlabel(sweep.title)
        if sweep.key not in ("adc", "calibrated"):
            panel.set_xscale("log")
        panel.grid(alpha=0.3)
    for panel in axes[:, 0]:
        panel.set_ylabel("accuracy, percent")
    axes[0, 0].legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--test", type=int, default=1000, help="how many pictures, default 1000")
    parser.add_argument("--trials", type=int, default=3, help="where chance plays a part, default 3")
    parser.add_argument("--workers", type=int, default=2, help="processes, default 2")
    parser.add_argument("-o", "--output", type=Path, help="the tables; the plot lies beside them")
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        prepare(args.data, args.weights, args.test, folder)
        work = list(tasks(args.trials))
        found: dict[Task, float] = {}
        with get_context("spawn").Pool(args.workers, Worker.start, (folder,)) as pool:
            done = pool.imap_unordered(Worker.run, work)
            for task, share in track(done, "chips", len(work), console=Console(stderr=True)):
                found[task] = share
        Worker.start(folder)
        ideal = {way: Worker.accuracy(Worker.program(way)) for way in WAYS}
    text = "\n".join([*tables(found, ideal, args.test, args.trials), ""])
    if args.output is None:
        print(text)
        return
    args.output.write_text(text)
    plot(found, ideal, args.output.with_suffix(".svg"))


if __name__ == "__main__":
    main()

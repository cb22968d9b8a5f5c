"""Runs a program on many chips: batches and Monte Carlo trials, in this process or in several."""

import multiprocessing
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from cimc.errors import CimcError
from cimc.interrupts import end_with_parent, ignoring_interrupts
from cimc.program import Program, load
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.threads import use_threads
from cimc.runtime.timeline import Timeline
from cimc.target import Target


@dataclass(frozen=True)
class Experiment:
    """What is run: a program on chips of a target, on batches of inputs."""

    path: Path
    target: Target
    seed: int
    batches: Sequence[Mapping[str, Array]]
    threads: int = 1


@dataclass
class BatchResult:
    """What one batch gave in one trial."""

    trial: int
    number: int
    outputs: dict[str, Array]
    timeline: Timeline | None
    """What crossbars do in an inference; the same for all."""
    counts: dict[str, ReadCounts] = field(default_factory=dict[str, ReadCounts])
    """What ADCs converted in this batch, by layer."""


@contextmanager
def results(
    experiment: Experiment, program: Program, trials: int, workers: int
) -> Generator[Iterator[BatchResult]]:
    """Gives all batches of all trials, trial by trial, as they come.

    With several workers, each is a process that loads the program anew. Numbers do not depend on how many.
    """
    tasks = [(trial, number) for trial in range(trials) for number in range(len(experiment.batches))]
    if workers == 1:
        use_threads(experiment.threads)
        yield (_run(experiment, program, *task) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of libraries
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _Worker.start, (experiment,))
    try:
        with ignoring_interrupts():  # and so do the processes that are started here
            done = pool.map(_Worker.run, tasks)
        yield _complete(done)
    finally:
        _stop(pool)


def _complete(done: Iterator[BatchResult]) -> Iterator[BatchResult]:
    try:
        yield from done
    except BrokenProcessPool:
        raise CimcError(
            "a worker has ended before its work was done, for want of memory perhaps; try fewer workers"
        ) from None


def _stop(pool: ProcessPoolExecutor) -> None:
    """Ends the processes of a pool without waiting for what they do."""
    processes = pool._processes or {}  # pyright: ignore[reportPrivateUsage]  # None once it has ended
    for process in list(processes.values()):
        process.terminate()
    pool.shutdown(cancel_futures=True)


class _Worker:
    """A process of its own."""

    experiment: ClassVar[Experiment]
    program: ClassVar[Program]

    @classmethod
    def start(cls, experiment: Experiment) -> None:
        end_with_parent()
        use_threads(experiment.threads)
        cls.experiment, cls.program = experiment, load(experiment.path)

    @classmethod
    def run(cls, task: tuple[int, int]) -> BatchResult:
        return _run(cls.experiment, cls.program, *task)


def _run(experiment: Experiment, program: Program, trial: int, number: int) -> BatchResult:
    chip = program.chip(experiment.target, experiment.seed, trial)
    chip.simulation.counts.clear()
    outputs = chip.run_batch(number, experiment.batches[number])
    return BatchResult(trial, number, outputs, program.timeline, dict(chip.simulation.counts))

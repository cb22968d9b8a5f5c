"""Who carries evaluations out: this process, several local ones, or Ray's on other machines.

All give the same results, in the order in which they were asked for.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from logging import ERROR
from multiprocessing import active_children, get_context
from typing import Any, Protocol

from cimc.errors import CimcError, first_line
from cimc.interrupts import end_with_parent, ignoring_interrupts
from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.problem import Problem, ProblemSpec
from cimc.rl.space import Choices


@dataclass(frozen=True)
class Outcome:
    """An evaluation, and the trained network's state if the rung trains: bytes that `torch.load` reads."""

    evaluation: Evaluation
    state: bytes | None


class Workers(Protocol):
    """Whoever evaluates several policies."""

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """The outcome of each policy, in order. Raises `CimcError` if a worker is lost."""
        ...


class InProcess:
    """Evaluates here, one after the other."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """See `Workers`."""
        for choices in policies:
            yield Outcome(*self._problem.evaluator.evaluated(choices, rung))


@cache
def _problem(spec: ProblemSpec) -> Problem:
    """The problem of a worker's process; it is built with the first evaluation."""
    import torch

    torch.set_num_threads(1)
    return Problem(spec)


def _evaluate(spec: ProblemSpec, choices: Choices, rung: Rung) -> Outcome:
    return Outcome(*_problem(spec).evaluator.evaluated(choices, rung))


class LocalProcesses:
    """Evaluates in processes of this machine."""

    def __init__(self, spec: ProblemSpec, pool: ProcessPoolExecutor) -> None:
        self._spec, self._pool = spec, pool

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """See `Workers`."""
        # Not by `map`, which cancels what is left when one stops: the pool's thread fails over that, with a
        # traceback, once the processes end.
        try:
            with ignoring_interrupts():  # and so do the processes that are started here
                futures = [self._pool.submit(_evaluate, self._spec, choices, rung) for choices in policies]
            for future in futures:
                yield future.result()
        except BrokenProcessPool:
            raise CimcError("a worker process has ended: is there memory for so many --workers?") from None


class RayActors:
    """Evaluates in actors of a Ray cluster; it must see the files of model and data."""

    def __init__(self, spec: ProblemSpec, ray: Any, count: int) -> None:
        # Actors work in a folder of the cluster.
        spec = replace(spec, model=spec.model.absolute(), data=spec.data.absolute())
        actor = ray.remote(num_cpus=1)(_Actor)
        self._pool: Any = import_module("ray.util").ActorPool([actor.remote(spec) for _ in range(count)])
        self._error: type[Exception] = ray.exceptions.RayError

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """See `Workers`."""

        def submit(actor: Any, choices: Choices) -> Any:
            return actor.evaluate.remote(choices, rung)

        try:
            yield from self._pool.map(submit, policies)
        except self._error as e:
            cause = getattr(e, "cause", None)
            if isinstance(cause, CimcError):
                raise CimcError(str(cause)) from None
            raise CimcError(f"a worker of Ray has failed: {first_line(cause or e)}") from None


class _Actor:
    def __init__(self, spec: ProblemSpec) -> None:
        self._spec = spec

    def evaluate(self, choices: Choices, rung: Rung) -> Outcome:
        return _evaluate(self._spec, choices, rung)


@contextmanager
def workers(problem: Problem, count: int, ray_address: str | None) -> Generator[Workers]:
    """`count` workers for a problem, until the context ends.

    With a `ray_address`, `auto` or that of a cluster, they are actors of Ray. Raises `CimcError` if Ray is
    not installed, not to be reached, or too small.
    """
    if ray_address is not None:
        with _ray(problem.spec, count, ray_address) as actors:
            yield actors
    elif count == 1:
        yield InProcess(problem)
    else:
        with _processes(count) as pool:
            yield LocalProcesses(problem.spec, pool)


@contextmanager
def _processes(count: int) -> Generator[ProcessPoolExecutor]:
    others = set(active_children())
    pool = ProcessPoolExecutor(count, get_context("spawn"), end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()) - others:  # what they still do, nobody waits for
            process.terminate()


@contextmanager
def _ray(spec: ProblemSpec, count: int, address: str) -> Generator[Workers]:
    try:
        ray: Any = import_module("ray")
    except ImportError:
        raise CimcError("--ray needs Ray: pip install 'cimc[ray]'") from None
    try:
        ray.init(
            address=None if address == "auto" else address,
            log_to_driver=False,
            include_dashboard=False,
            logging_level=ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as e:
        raise CimcError(f"--ray {address}: no cluster of Ray can be reached: {first_line(e)}") from None
    try:
        cpus = int(ray.cluster_resources().get("CPU", 0))
        if cpus < count:  # those that find no place would be waited for without end
            raise CimcError(f"--workers {count}: Ray's cluster has {cpus} CPUs, and each worker takes one")
        yield RayActors(spec, ray, count)
    finally:
        ray.shutdown()

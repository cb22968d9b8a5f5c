"""Who carries evaluations out: this process, several local ones, or Ray's on other machines.

All give the same results, in the order in which they were asked for.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol

from cimc.errors import CimcError
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
        """The outcome of each policy, in order."""
        ...


class InProcess:
    """Evaluates here, one after the other."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """See `Workers`."""
        for choices in policies:
            yield Outcome(*self._problem.evaluator.evaluated(choices, rung))


_problem: Problem | None = None
"""Of a worker's process."""


def _start(spec: ProblemSpec) -> None:
    global _problem
    import torch

    torch.set_num_threads(1)
    _problem = Problem(spec)


def _evaluate(choices: Choices, rung: Rung) -> Outcome:
    assert _problem is not None
    return Outcome(*_problem.evaluator.evaluated(choices, rung))


class LocalProcesses:
    """Evaluates in processes of this machine."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """See `Workers`."""
        return self._pool.map(_evaluate, policies, [rung] * len(policies))


class RayActors:
    """Evaluates in actors of a Ray cluster; it must see the files of model and data."""

    def __init__(self, actors: Sequence[Any]) -> None:
        from ray.util import ActorPool

        self._pool: Any = ActorPool(list(actors))

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        """See `Workers`."""
        return self._pool.map(lambda actor, choices: actor.evaluate.remote(choices, rung), policies)


@contextmanager
def workers(problem: Problem, count: int, ray_address: str | None) -> Iterator[Workers]:
    """`count` workers for a problem, until the context ends.

    With a `ray_address`, `auto` or that of a cluster, they are actors of Ray. Raises `CimcError` if Ray is
    not installed, or not to be reached.
    """
    if ray_address is not None:
        with _ray(problem.spec, count, ray_address) as actors:
            yield actors
    elif count == 1:
        yield InProcess(problem)
    else:
        pool = ProcessPoolExecutor(count, get_context("spawn"), _start, (problem.spec,))
        try:
            yield LocalProcesses(pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _ray(spec: ProblemSpec, count: int, address: str) -> Iterator[Workers]:
    try:
        import ray
    except ImportError:
        raise CimcError("--ray needs Ray: pip install 'cimc[ray]'") from None

    class Actor:
        def __init__(self) -> None:
            _start(spec)

        def evaluate(self, choices: Choices, rung: Rung) -> Outcome:
            return _evaluate(choices, rung)

    library: Any = ray
    try:
        library.init(
            address=None if address == "auto" else address, log_to_driver=False, include_dashboard=False
        )
    except (ConnectionError, ValueError, RuntimeError) as e:
        raise CimcError(f"--ray {address}: no cluster of Ray can be reached: {e}") from None
    try:
        remote = library.remote(num_cpus=1)(Actor)
        yield RayActors([remote.remote() for _ in range(count)])
    finally:
        library.shutdown()

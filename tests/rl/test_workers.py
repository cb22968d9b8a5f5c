"""Whoever evaluates, the results are the same; and workers that fail give one message."""

import gc
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
import torch
from killed import left_behind
from rl.tiny_search import tiny_spec

from cimc.errors import CimcError
from cimc.policy import Widths
from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.log import NAME, EvaluationLog
from cimc.rl.problem import Problem
from cimc.rl.search import Result, Search, SearchSettings
from cimc.rl.space import Choices
from cimc.rl.workers import InProcess, LocalProcesses, RayActors, Workers, workers


@pytest.fixture(scope="module")
def problem(files: tuple[Path, Path]) -> Problem:
    torch.set_num_threads(1)  # as in workers: several add up in another order
    return Problem(tiny_spec(*files, epochs=0.5))


def policies_of(problem: Problem) -> list[Choices]:
    space = problem.space
    return [
        space.widest,
        space.fastest,
        space.uniform(Widths(4, 4)),
        space.uniform(Widths(4, 8)),
        space.widest,
    ]


def outcomes(who: Workers, problem: Problem, rung: Rung) -> list[tuple[Evaluation, bytes | None]]:
    """What depends on nothing but the policy."""
    found = list(who.run(policies_of(problem), rung))
    assert all(one.evaluation.seconds > 0 for one in found)
    return [(replace(one.evaluation, seconds=0), one.state) for one in found]


def check_same(who: Workers, problem: Problem) -> None:
    """In the order of the policies, and as in this process."""
    for rung in ("quick", "short", "full"):
        found, expected = outcomes(who, problem, rung), outcomes(InProcess(problem), problem, rung)
        assert found == expected
        assert [e.choices for e, _ in found] == policies_of(problem)
        assert all((state is None) == (rung == "quick") for _, state in found)
    assert list(who.run([], "quick")) == []


def search_with(who: Workers, problem: Problem, folder: Path) -> tuple[Result, list[Evaluation]]:
    (folder / "states").mkdir(parents=True)
    settings = SearchSettings((5.0,), "thompson", evaluations=6, confidence=0.8, trains=True, seed=0)
    search = Search(problem, who, EvaluationLog(folder / NAME, "tiny"), folder / "states", settings)
    result = search.run()
    return result, [replace(e, seconds=0) for e in search.log.all()]


def choices_of(result: Result) -> list[Choices]:
    return [found.judged.evaluation.choices for found in (*result.found, *result.uniform)]


def check_same_search(who: Workers, problem: Problem, folder: Path) -> None:
    """The whole of a search, trainings included, and the files that it leaves."""
    found, logged = search_with(who, problem, folder / "workers")
    expected, expected_log = search_with(InProcess(problem), problem, folder / "here")
    assert logged == expected_log
    assert choices_of(found) == choices_of(expected)
    states = [
        {p.name: p.read_bytes() for p in (folder / name / "states").iterdir()} for name in ("workers", "here")
    ]
    assert states[0] == states[1]


def test_one_worker_is_this_process(problem: Problem) -> None:
    with workers(problem, 1, None) as who:
        assert isinstance(who, InProcess)
        check_same(who, problem)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What threads would print as a traceback."""
    found: list[str] = []

    def keep(args: threading.ExceptHookArgs) -> None:
        found.append(repr(args.exc_value))

    monkeypatch.setattr(threading, "excepthook", keep)
    return found


def check_ended(processes: set[Any]) -> None:
    assert processes
    for process in processes:
        process.join(60)
        # The pool's own thread may be the one that waits for it, and knows a little later.
        patience = time.monotonic() + 10
        while process.is_alive() and time.monotonic() < patience:
            time.sleep(0.01)
        assert not process.is_alive()


def test_processes_give_the_same_until_the_search_ends(
    problem: Problem, tmp_path: Path, lost: list[str]
) -> None:
    """Starting processes takes seconds, therefore all in one."""
    others = set(active_children())
    mine: set[Any] = set()

    def until_interrupted() -> None:
        with workers(problem, 2, None) as who:
            assert isinstance(who, LocalProcesses)
            check_same(who, problem)
            check_same_search(who, problem, tmp_path)
            check_file_that_has_gone(who, problem)
            mine.update(set(active_children()) - others)
            # They still have much to do when it ends.
            next(who.run([problem.space.widest] * 10_000, "full"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        until_interrupted()
    check_ended(mine)
    gc.collect()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(10)
    assert not lost


def check_file_that_has_gone(who: LocalProcesses, problem: Problem) -> None:
    """What a process cannot read is one message, and the others can go on."""
    gone = replace(problem.spec, data=problem.spec.data.with_name("gone.npz"))
    failing = LocalProcesses(gone, cast(Any, who)._pool)
    with pytest.raises(CimcError, match=r"^[^\n]*gone\.npz[^\n]*$"):
        list(failing.run(policies_of(problem), "quick"))
    assert len(list(who.run(policies_of(problem), "quick"))) == 5


def test_processes_that_die_are_one_message(problem: Problem, lost: list[str]) -> None:
    """As the kernel kills them when there is no more memory."""
    message = r"^a worker process has ended: is there memory for so many --workers\?$"
    others = set(active_children())
    with workers(problem, 2, None) as who:
        found = who.run([problem.space.widest] * 10_000, "quick")
        assert next(found).evaluation.choices == problem.space.widest
        mine = set(active_children()) - others
        for process in mine:
            process.kill()
        with pytest.raises(CimcError, match=message):
            list(found)
        with pytest.raises(CimcError, match=message):
            list(who.run([problem.space.widest], "quick"))
    check_ended(mine)
    assert not lost


INTERRUPTED = """
import os, signal, sys, threading, time
from multiprocessing import active_children
from pathlib import Path
from rl.tiny_search import tiny_spec
from cimc.rl.workers import LocalProcesses, _processes

def press():
    while len(active_children()) < 2 or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        time.sleep(0.01)
    time.sleep(0.5)  # importing what they need takes seconds
    os.killpg(0, signal.SIGINT)

os.setpgid(0, 0)
with _processes(2) as pool:
    who = LocalProcesses(tiny_spec(*map(Path, sys.argv[1:])), pool)
    threading.Thread(target=press).start()
    try:
        list(who.run([(0, 0, 0)] * 4, "quick"))
    except KeyboardInterrupt:
        print("interrupted")
        time.sleep(1)  # for what they would print
"""


def test_processes_that_are_interrupted_while_they_start_are_silent(files: tuple[Path, Path]) -> None:
    """Ctrl-C reaches all processes of a terminal."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *map(str, files)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


KILLED = """
import sys
import time
from pathlib import Path
from rl.tiny_search import tiny_spec
from cimc.rl.workers import LocalProcesses, _processes

with _processes(2) as pool:
    who = LocalProcesses(tiny_spec(*map(Path, sys.argv[1:])), pool)
    list(who.run([(0, 0, 0)] * 100_000, "quick"))
"""


def test_processes_end_with_the_one_that_started_them(files: tuple[Path, Path], tmp_path: Path) -> None:
    """However that ends, and while they work."""
    assert not left_behind(KILLED, tmp_path, *files)


def test_actors_are_told_where_files_are(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their working directory is another one."""
    ray = MagicMock()
    monkeypatch.setitem(sys.modules, "ray.util", ray.util)
    model, data = problem.spec.model, problem.spec.data
    monkeypatch.chdir(model.parent)
    RayActors(replace(problem.spec, model=Path(model.name), data=Path(data.name)), ray, 1)
    ((told,), _) = ray.remote.return_value.return_value.remote.call_args
    assert told == problem.spec


# Ray's, if it is installed.


@pytest.fixture
def ray() -> Any:
    return pytest.importorskip("ray", reason="Ray is not installed: pip install 'cimc[ray]'")


def test_actors_give_the_same_until_they_die(problem: Problem, tmp_path: Path, ray: Any) -> None:
    """Starting a cluster takes seconds, therefore all in one."""
    with workers(problem, min(2, os.cpu_count() or 1), "auto") as who:
        assert isinstance(who, RayActors)
        check_same(who, problem)
        check_same_search(who, problem, tmp_path)
        actors = list(cast(Any, who)._pool._idle_actors)
        found = who.run([problem.space.widest] * 1000, "quick")
        next(found)
        for actor in actors:
            ray.kill(actor)
        with pytest.raises(CimcError, match=r"^a worker of Ray has failed: [^\n]+$"):
            list(found)
        check_actor_without_its_file(problem, ray)  # there is room for it now


def check_actor_without_its_file(problem: Problem, ray: Any) -> None:
    """What an actor says is wrong is the message."""
    gone = replace(problem.spec, data=problem.spec.data.with_name("gone.npz"))
    with pytest.raises(CimcError, match=r"^[^\n]*gone\.npz[^\n]*$") as error:
        list(RayActors(gone, ray, 1).run(policies_of(problem), "quick"))
    assert "worker of Ray" not in str(error.value)


@pytest.mark.usefixtures("ray")
def test_cluster_that_is_too_small(problem: Problem) -> None:
    """Actors that find no place would be waited for without end."""

    def enter() -> None:
        with workers(problem, 1000, "auto"):
            pass

    with pytest.raises(CimcError, match=r"--workers 1000: Ray's cluster has \d+ CPUs"):
        enter()


@pytest.mark.usefixtures("ray")
def test_cluster_that_is_not_there(problem: Problem) -> None:
    def enter() -> None:
        with workers(problem, 1, "nowhere"):
            pass

    with pytest.raises(CimcError, match="--ray nowhere: no cluster of Ray can be reached"):
        enter()


def test_ray_that_is_not_installed(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    def enter() -> None:
        with workers(problem, 1, "auto"):
            pass

    with pytest.raises(CimcError, match=r"pip install 'cimc\[ray\]'"):
        enter()

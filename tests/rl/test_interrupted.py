"""A search that was stopped and started again finds what it would have found, and repeats nothing."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rl.tiny_search import tiny_spec

from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.export_found import export_all
from cimc.rl.log import NAME, EvaluationLog
from cimc.rl.problem import Problem
from cimc.rl.search import Result, Search, SearchSettings
from cimc.rl.space import Choices
from cimc.rl.workers import InProcess, Outcome

DROPS = (2.0, 10.0)


class Stopped(Exception):
    """The process is killed."""


class Counting(InProcess):
    """Evaluates here, but only so often."""

    def __init__(self, problem: Problem, left: int = 1000) -> None:
        super().__init__(problem)
        self.made: list[tuple[Choices, Rung]] = []
        self.left = left

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        for outcome in super().run(policies, rung):
            if len(self.made) == self.left:
                raise Stopped
            self.made.append((outcome.evaluation.choices, rung))
            yield outcome


@pytest.fixture(scope="module")
def problems(files: tuple[Path, Path]) -> dict[str, Problem]:
    """By what happens to the best policies."""
    return {"quick": Problem(tiny_spec(*files)), "trained": Problem(tiny_spec(*files, epochs=0.5))}


def search_in(folder: Path, workers: Counting, problem: Problem, agent: Any) -> Search:
    (folder / "states").mkdir(parents=True, exist_ok=True)
    trains = problem.spec.full.epochs > 0
    settings = SearchSettings(DROPS, agent, evaluations=9, confidence=0.8, trains=trains, seed=2)
    return Search(problem, workers, EvaluationLog(folder / NAME, "tiny"), folder / "states", settings)


def timeless(result: Result) -> Result:
    """Without the seconds that evaluations took."""

    def same(one: Any) -> Any:
        evaluation: Evaluation = replace(one.judged.evaluation, seconds=0)
        return replace(one, judged=replace(one.judged, evaluation=evaluation))

    eight = replace(result.eight, seconds=0)
    return Result(eight, [same(one) for one in result.found], [same(one) for one in result.uniform])


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def evaluations_of(folder: Path) -> list[Evaluation]:
    return [replace(e, seconds=0) for e in EvaluationLog(folder / NAME, "tiny").all()]


@pytest.mark.parametrize(
    ("kind", "agent"),
    [
        *(("quick", agent) for agent in ("random", "thompson", "ppo", "turns", "ddpg", "ilp", "greedy")),
        ("trained", "thompson"),
    ],
)
def test_stopped_anywhere_it_goes_on(
    tmp_path: Path, problems: dict[str, Problem], kind: str, agent: str
) -> None:
    problem = problems[kind]
    whole = Counting(problem)
    expected = timeless(search_in(tmp_path / "whole", whole, problem, agent).run())
    count = len(whole.made)
    assert count == len(set(whole.made)) >= 4
    stops = (1, 4, count - 1) if agent in ("random", "thompson") else (count // 2,)
    for stop in stops:
        folder = tmp_path / f"stopped{stop}"
        first, second = Counting(problem, stop), Counting(problem)
        with pytest.raises(Stopped):
            search_in(folder, first, problem, agent).run()
        with (folder / NAME).open("a") as file:
            file.write('{"choices": [1, 2')  # it was killed while it wrote
        assert timeless(search_in(folder, second, problem, agent).run()) == expected
        assert first.made + second.made == whole.made
        assert evaluations_of(folder) == evaluations_of(tmp_path / "whole")
        assert files_of(folder / "states") == files_of(tmp_path / "whole" / "states")


@pytest.mark.parametrize("kind", ["quick", "trained"])
def test_started_again_it_writes_the_same_bytes(
    tmp_path: Path, problems: dict[str, Problem], kind: str
) -> None:
    """Also when the problem is built anew; and no evaluation is made again."""
    problem = problems[kind]
    search = search_in(tmp_path, Counting(problem), problem, "thompson")
    result = search.run()
    given, exported = export_all(search, result, tmp_path)
    before = files_of(tmp_path)
    for path in tmp_path.glob("*.*"):
        if path.name != NAME:
            path.unlink()
    rebuilt = Problem(problem.spec)
    workers = Counting(rebuilt)
    again = search_in(tmp_path, workers, rebuilt, "thompson")
    assert again.run() == result
    assert not workers.made
    given_again, exported_again = export_all(again, result, tmp_path)
    assert files_of(tmp_path) == before
    assert given_again == given
    for a, b in zip(exported_again, exported, strict=True):
        assert (a.name, a.found, a.policy, a.file) == (b.name, b.found, b.policy, b.file)
        assert (a.validation, a.test) == (b.validation, b.test)
        assert a.report["total"] == b.report["total"]


def test_more_evaluations_go_on_from_fewer(tmp_path: Path, problems: dict[str, Problem]) -> None:
    """With other budgets, too: what is known is not evaluated again."""
    problem = problems["quick"]
    first = Counting(problem)
    search_in(tmp_path, first, problem, "thompson").run()
    second = Counting(problem)
    search = search_in(tmp_path, second, problem, "thompson")
    search = replace(search, settings=replace(search.settings, evaluations=14, max_drops=(2.0, 30.0)))
    search.run()
    assert not set(first.made) & set(second.made)
    assert {(e.choices, e.rung) for e in search.log.all()} == {*first.made, *second.made}


def test_another_seed_searches_elsewhere(tmp_path: Path, problems: dict[str, Problem]) -> None:
    made: list[list[tuple[Choices, Rung]]] = []
    for seed in (2, 2, 3):
        shutil.rmtree(tmp_path / "search", ignore_errors=True)
        workers = Counting(problems["quick"])
        search = search_in(tmp_path / "search", workers, problems["quick"], "random")
        search = replace(search, settings=replace(search.settings, seed=seed))
        search.explore()
        made.append(workers.made)
    assert made[0] == made[1] != made[2]

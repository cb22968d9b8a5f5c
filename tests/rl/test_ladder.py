"""The ladder of trainings, on evaluations that are known in closed form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rl.agents.toy import OPTIONS, toy_evaluation, toy_features, toy_space

from cimc.rl import search as module
from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.ladder import FULL_TRAININGS, Line, once, together
from cimc.rl.log import EvaluationLog
from cimc.rl.problem import Problem
from cimc.rl.search import Found, Search, SearchSettings
from cimc.rl.selection import judged
from cimc.rl.space import Choices, Space
from cimc.rl.workers import Outcome
from cimc.runtime.arrays import Array


@dataclass
class Known:
    """Workers that know the drop of each rung, of the policies on a line by their positions."""

    line: Sequence[Choices]
    drops: dict[Rung, Sequence[float]]
    error: float = 1e-9
    asked: list[tuple[Rung, int]] = field(default_factory=list[tuple[Rung, int]])

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        for choices in policies:
            position = self.line.index(choices)
            self.asked.append((rung, position))
            drop = self.drops[rung][position]
            yield Outcome(
                Evaluation(choices, rung, drop, self.error, max(drop, 0) / 50, 0), bytes([position])
            )

    def of_rung(self, rung: Rung) -> list[int]:
        return [position for asked, position in self.asked if asked == rung]


@dataclass
class Toy:
    """Workers for the whole of the toy space, whose trainings make a part of the loss good."""

    space: Space
    left: dict[Rung, float]
    asked: list[tuple[Rung, Choices]] = field(default_factory=list[tuple[Rung, Choices]])

    def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
        for choices in policies:
            self.asked.append((rung, choices))
            known = toy_evaluation(self.space, choices)
            drop = known.drop * self.left[rung]
            state = None if rung == "quick" else repr(choices).encode()
            yield Outcome(Evaluation(choices, rung, drop, 0.01, known.divergence / 60, 0), state)


def toy_problem(space: Space) -> Problem:
    """What a search asks of a problem, without a network."""
    least = toy_evaluation(space, space.widest).drop
    losses: Array = np.zeros((4, len(OPTIONS)))
    for layer, option in np.ndindex(losses.shape):
        choices = list(space.widest)
        choices[layer] = option
        losses[layer, option] = toy_evaluation(space, tuple(choices)).drop - least
    sensitivities = SimpleNamespace(total=losses, weights=losses, activations=losses)
    features = toy_features(len(space.layers))
    return cast(
        Any, SimpleNamespace(space=space, features=features, module=None, sensitivities=sensitivities)
    )


def search_of(
    folder: Path, workers: Any, drops: Sequence[float], *, trains: bool = True, **changed: Any
) -> Search:
    (folder / "states").mkdir(parents=True, exist_ok=True)
    log = EvaluationLog(folder / "log.jsonl", "toy")
    chosen: dict[str, Any] = {"agent": "random", "evaluations": 20, "confidence": 0.8, "seed": 0} | changed
    settings = SearchSettings(tuple(drops), trains=trains, **chosen)
    return Search(toy_problem(toy_space()), workers, log, folder / "states", settings)


def line_of(count: int) -> list[Choices]:
    """Policies of the toy space, each faster than the one before."""
    space = toy_space()
    policies: dict[int, Choices] = {}
    for widths in np.ndindex(7, 7, 7):
        a, b, c = (int(7 + width) for width in widths)
        policies[space.latency_of((a, b, c, c))] = a, b, c, c
    assert len(policies) >= count
    return [policies[latency] for latency in sorted(policies, reverse=True)[:count]]


def climb(search: Search, line: Sequence[Choices]) -> list[Found]:
    together(search.evaluations, along(search, line).trained(search.settings.max_drops))
    full = [one for one in search.evaluations.candidates() if one.evaluation.rung == "full"]
    return cast(Any, search)._select(full)


def along(search: Search, line: Sequence[Choices]) -> Line:
    return Line(line, search.evaluations, search.settings.confidence)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[int, int, int]:
    """The length of a line, and how many of its policies are within the budget: short and full trainings."""
    count = draw(st.integers(1, 30))
    return count, draw(st.integers(0, count)), draw(st.integers(0, count))


@given(ladders())
def test_full_trainings_around_what_short_ones_reach(
    tmp_path_factory: pytest.TempPathFactory, ladder: tuple[int, int, int]
) -> None:
    count, short, full = ladder
    line = line_of(count)
    drops: dict[Rung, Sequence[float]] = {
        "short": [1 + (position - short + 0.5) / count for position in range(count)],
        "full": [1 + (position - full + 0.5) / count for position in range(count)],
    }
    workers = Known(line, drops)
    search = search_of(tmp_path_factory.mktemp("climb"), workers, [1.0])
    (found,) = climb(search, line)
    trained = workers.of_rung("full")
    position = line.index(found.judged.evaluation.choices)
    assert found.judged.evaluation.rung == "full"
    assert len(trained) == len(set(trained)) <= FULL_TRAININGS
    assert len(workers.asked) == len(set(workers.asked))
    start = max(short - 1, 0)
    assert trained[0] == start
    within = [p for p in trained if p < full]
    assert found.within == bool(within)
    assert position == (max(within) if within else min(trained))
    if full > start:
        assert start <= position < full


def test_trainings_for_several_lines_run_beside_each_other(tmp_path: Path) -> None:
    """And none of them waits for a short one of another line, nor is a policy of both trained twice."""
    line = line_of(30)
    drops = [p / 4 - 0.01 for p in range(30)]
    batches: list[tuple[Rung, list[int]]] = []

    class Together(Known):
        def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
            batches.append((rung, [line.index(choices) for choices in policies]))
            return super().run(policies, rung)

    search = search_of(tmp_path, Together(line, {"quick": drops, "short": drops, "full": drops}), [1.0])
    climbs = (along(search, part).trained([1.0]) for part in (line[::2], line[::3]))
    together(search.evaluations, once(line[29], "quick", "full"), *climbs)
    shorts = [positions for rung, positions in batches if rung == "short"]
    assert shorts[0] == [14, 12]  # the middles
    first, *_ = (positions for rung, positions in batches if rung == "full")
    assert first == [29, 4, 3]
    made = [(rung, position) for rung, positions in batches for position in positions]
    assert len(made) == len(set(made))


def test_budgets_share_trainings(tmp_path: Path) -> None:
    line = line_of(20)
    drops = [p / 4 - 0.01 for p in range(20)]
    workers = Known(line, {"short": drops, "full": drops})
    budgets = [0.5, 0.6, 2.0]
    found = climb(search_of(tmp_path, workers, budgets), line)
    assert [f.max_drop for f in found] == budgets
    assert [line.index(f.judged.evaluation.choices) for f in found] == [2, 2, 8]
    assert len(workers.asked) == len(set(workers.asked))


def test_what_a_training_leaves_moves_the_next_one(tmp_path: Path) -> None:
    """A short training that loses a point more than the full one says where the budget ends, too."""
    line = line_of(20)
    full = [p / 4 - 0.01 for p in range(20)]
    workers = Known(line, {"short": [drop + 1 for drop in full], "full": full})
    (found,) = climb(search_of(tmp_path, workers, [1.0]), line)
    assert workers.of_rung("full") == [0, 4, 5]
    assert line.index(found.judged.evaluation.choices) == 4


def test_trained_networks_are_kept(tmp_path: Path) -> None:
    """All of the full trainings, each under a name of its own; nothing half written beside them."""
    line = line_of(20)
    drops = [p / 4 - 0.01 for p in range(20)]
    workers = Known(line, {"short": drops, "full": drops})
    search = search_of(tmp_path, workers, [1.0])
    climb(search, line)
    trained = workers.of_rung("full")
    assert {p.read_bytes() for p in search.states.iterdir()} == {bytes([position]) for position in trained}
    for evaluation in search.log.of_rung("full"):
        position = line.index(evaluation.choices)
        assert search.evaluations.state_of(evaluation) == bytes([position])
        assert search.evaluations.state_of(replace(evaluation, rung="quick")) is None
    kept = {one.evaluation.choices for one in search.evaluations.candidates()}
    assert kept == {line[position] for position in trained}


def test_what_another_search_has_left_is_not_taken(tmp_path: Path) -> None:
    """A network of another search in the folder, whose log was removed, is none of this one's."""
    line = line_of(4)
    search = search_of(tmp_path, Known(line, {"full": [0] * 4, "short": [0] * 4}), [1.0])
    search.evaluations.state_file(line[0]).write_bytes(b"another")
    assert not search.evaluations.candidates()
    climb(search, line[:1])
    (evaluation,) = search.log.of_rung("full")
    assert search.evaluations.state_of(evaluation) == bytes([0])


def test_a_network_that_was_removed_is_trained_again(tmp_path: Path) -> None:
    """Else what is exported would not be what was evaluated."""
    line = line_of(4)
    for trainings, is_removed in (([0], False), ([], True), ([0], False), ([], False)):
        workers = Known(line, {"full": [0] * 4, "short": [0] * 4})
        search = search_of(tmp_path, workers, [1.0])
        climb(search, line[:1])
        assert workers.of_rung("full") == trainings
        if is_removed:
            search.evaluations.state_file(line[0]).unlink()


@pytest.mark.parametrize("error", [1e-9, 0.1, 0.5, 3])
def test_a_line_is_followed_until_one_is_within_the_budget_for_sure(tmp_path: Path, error: float) -> None:
    """What was measured within a budget may not be, with pictures that are few; the next one may."""
    line = line_of(30)
    drops = [p / 5 for p in range(30)]
    workers = Known(line, {"quick": drops}, error)
    search = search_of(tmp_path, workers, [2.0])
    together(search.evaluations, along(search, line).quantized(2.0))
    evaluated = sorted(workers.of_rung("quick"))
    assert len(evaluated) == len(set(evaluated)) < 12
    found = {
        line.index(one.evaluation.choices): one for one in judged(search.problem.space, search.log.all())
    }
    sure = [position for position in evaluated if found[position].upper(0.8) <= 2.0]
    best = max(sure, default=0)
    assert best in evaluated
    assert best + 1 in evaluated
    assert best == 9 if error < 1e-6 else best <= 9  # the tenth is just within, surely for no one


@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("agent", ["random", "ilp", "greedy"])
def test_what_is_found_is_the_best_of_what_was_evaluated(tmp_path: Path, agent: str, trains: bool) -> None:
    space = toy_space()
    workers = Toy(space, {"quick": 1, "short": 0.5, "full": 0.25})
    told: list[tuple[Evaluation, int, int | None]] = []
    search = search_of(tmp_path, workers, [0.6, 1.0, 4.0], trains=trains, agent=agent, evaluations=40)

    def tell(evaluation: Evaluation, done: int, total: int | None) -> None:
        told.append((evaluation, done, total))

    search = replace(search, evaluated=tell)
    result = search.run()
    rung = "full" if trains else "quick"
    evaluated = {choices: search.log.get(choices, rung) for asked, choices in workers.asked if asked == rung}
    for found in (result.found, result.uniform):
        assert [f.max_drop for f in found] == [0.6, 1.0, 4.0]
        speedups = [f.judged.speedup for f in found]
        assert speedups == sorted(speedups)
    for one, uniform in zip(result.found, result.uniform, strict=True):
        assert one.within
        assert one.judged.upper(0.8) <= one.max_drop
        assert one.judged.evaluation == evaluated[one.judged.evaluation.choices]
        assert len({*uniform.judged.evaluation.choices}) == 1
        assert uniform.judged.speedup <= one.judged.speedup or trains
        # Whatever is faster does not keep to the budget, whoever judges it.
        for choices, evaluation in evaluated.items():
            assert evaluation is not None
            if not trains and space.speedup(choices) > one.judged.speedup:
                assert evaluation.drop > one.max_drop * 0.7
    assert len(workers.asked) == len(set(workers.asked))
    assert sorted(map(repr, search.log.all())) == sorted(repr(e) for e, _, _ in told)  # each once
    for asked in ("quick", "short", "full"):
        counts = [(done, total) for evaluation, done, total in told if evaluation.rung == asked]
        assert [done for done, _ in counts] == list(range(1, len(counts) + 1))
        assert all((total is None) == (asked == "short") for _, total in counts)
        assert all(total is None or done <= total for done, total in counts)
    quick = [choices for asked, choices in workers.asked if asked == "quick"]
    assert quick[0] == space.widest
    assert len(quick) <= 40 + 1 + len(search.uniform_line())


@pytest.mark.parametrize("trains", [False, True])
def test_eight_bits_are_compared_with_but_not_chosen_where_they_are_not_allowed(
    tmp_path: Path, trains: bool
) -> None:
    """Without any budget the best would be 8/8."""
    search = search_of(
        tmp_path, Toy(toy_space(), {"quick": 1, "short": 0.5, "full": 0.25}), [0.0], trains=trains
    )
    space = search.problem.space
    space.allowed[:, space.weight_bits == 8] = False
    result = search.run()
    for found in (*result.found, *result.uniform):
        assert space.allows(found.judged.evaluation.choices)
    trained = search.log.get(space.eight, "full")
    assert (trained is not None) == trains


def test_nothing_keeps_to_a_budget(tmp_path: Path) -> None:
    """Then it is what loses least, and that is said."""
    space = toy_space()
    search = search_of(tmp_path, Toy(space, {"quick": 100}), [0.0, 0.01], trains=False)
    for found in search.run().found:
        assert not found.within
        least = min(search.log.all(), key=lambda e: e.drop)
        assert found.judged.evaluation.drop == least.drop


@pytest.mark.parametrize("evaluations", [1, 2, 5, 7])
def test_so_many_evaluations(tmp_path: Path, evaluations: int) -> None:
    """That the agent proposes; the widest policy and those with uniform widths are not counted."""
    workers = Toy(toy_space(), {"quick": 1})
    search = search_of(tmp_path, workers, [1.0], trains=False, evaluations=evaluations)
    search.explore()
    assert 1 <= len(workers.asked) <= evaluations + 1
    if evaluations > 2:
        assert len(workers.asked) >= evaluations - 1


def test_line_of_uniform_widths(tmp_path: Path) -> None:
    """All pairs of widths that no other pair beats in both speed and loss, slowest first."""
    search = search_of(tmp_path, None, [1.0])
    space, total = toy_space(), search.problem.sensitivities.total
    policies = [(option,) * 4 for option in range(len(OPTIONS))]
    points = {choices: (space.latency_of(choices), total[:, choices[0]].sum()) for choices in policies}
    kept = [
        choices
        for choices, (time, loss) in points.items()
        if not any(t <= time and x <= loss and (t, x) != (time, loss) for t, x in points.values())
    ]
    line = search.uniform_line()
    assert line == sorted(kept, key=lambda choices: -points[choices][0])


def test_workers_that_fail_leave_what_was_done(tmp_path: Path) -> None:
    """Evaluations that came before a failure are in the log: they need not be made again."""
    line = line_of(8)

    class Failing(Known):
        def run(self, policies: Sequence[Choices], rung: Rung) -> Iterator[Outcome]:
            for number, outcome in enumerate(super().run(policies, rung)):
                if number == 2:
                    raise MemoryError
                yield outcome

    workers = Failing(line, {"quick": [0.0] * 8})
    search = search_of(tmp_path, workers, [1.0])
    with pytest.raises(MemoryError):
        search.evaluations.evaluate(line[:5], "quick")
    assert [e.choices for e in EvaluationLog(tmp_path / "log.jsonl", "toy").all()] == line[:2]


@pytest.mark.parametrize("left", [0.5, 2.0])
def test_a_network_is_found_trained_only_if_that_is_better(tmp_path: Path, left: float) -> None:
    """Of mild quantisation, training can lose more than it makes good."""
    workers = Toy(toy_space(), {"quick": 1, "short": left, "full": left})
    result = search_of(tmp_path, workers, [1.0], evaluations=40).run()
    rung = "full" if left < 1 else "quick"
    (found,), (uniform,) = result.found, result.uniform
    assert {found.judged.evaluation.rung, uniform.judged.evaluation.rung} == {rung}
    assert result.eight.rung == rung


@pytest.mark.parametrize(
    ("drops", "trains", "searched"),
    [
        ([0.5, 4.0], False, (0.5, 4.0)),
        ([0.5, 4.0], True, (0.5, 1.5, 4.0, 5.0, 12.0, 40.0)),
        ([0.0], True, (0.0, 0.3, 0.9, 3.0)),
        ([0.1], True, (0.1, 0.3, 0.9, 3.0)),
    ],
)
def test_what_is_trained_is_looked_for_beyond_the_budget(
    tmp_path: Path, drops: list[float], trains: bool, searched: tuple[float, ...]
) -> None:
    search = search_of(tmp_path, Toy(toy_space(), {"quick": 1}), drops, trains=trains, evaluations=2)
    with patch.object(module, "make_agent", wraps=module.make_agent) as made:
        search.explore()
    _, task = made.call_args.args
    assert task.max_drops == pytest.approx(searched)

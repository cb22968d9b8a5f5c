"""What a search reports is what its files do, executed."""

import csv
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from rl.tiny_search import INPUT, TRAIN, pictures, tiny_network, tiny_spec, write_files
from tools.tiny_models import serialized

from cimc.policy import Widths
from cimc.program import compile
from cimc.rl.executed import BATCH, accuracy, executed
from cimc.rl.export_found import export_all
from cimc.rl.log import NAME, EvaluationLog
from cimc.rl.network.export import export_qcdq
from cimc.rl.pictures import Split
from cimc.rl.problem import Problem
from cimc.rl.search import Found, Result, Search, SearchSettings
from cimc.rl.selection import judged
from cimc.rl.space import Choices
from cimc.rl.workers import InProcess
from cimc.runtime.arrays import Array
from cimc.tools.compare import reference_outputs


@pytest.fixture(scope="module")
def problem(files: tuple[Path, Path]) -> Problem:
    return Problem(tiny_spec(*files, epochs=1))


def mixed(problem: Problem) -> Choices:
    return problem.space.choices({"conv1": Widths(4, 8), "conv2": Widths(2, 4), "fc": Widths(8, 8)})


def exported(problem: Problem, choices: Choices, path: Path) -> Path:
    export_qcdq(problem.evaluator.restored(choices, None), path)
    return path


def ties(outputs: Array) -> Array:
    """Which pictures have two best classes but for rounding."""
    top = np.sort(outputs, 1)
    return top[:, -1] - top[:, -2] < 1e-4


@pytest.mark.parametrize("widths", [(8, 8), (4, 4), (2, 2)])
def test_the_same_classes_as_onnxruntime(problem: Problem, tmp_path: Path, widths: tuple[int, int]) -> None:
    choices = problem.space.uniform(Widths(*widths))
    path = exported(problem, choices, tmp_path / "found.onnx")
    x = pictures(130, seed=5)
    found, expected = executed(path, x), reference_outputs(path, {"x": x})["logits"]
    clear = ~ties(expected)
    assert clear.sum() > 100
    assert (found.argmax(1) == expected.argmax(1))[clear].all()
    np.testing.assert_allclose(found, expected, atol=1e-3)
    y = reference_outputs(problem.spec.model, {"x": x})["y"].argmax(1)
    of_clear = 100 * (expected.argmax(1) == y)[clear].mean()
    assert accuracy(path, Split(x[clear], y[clear])) == pytest.approx(of_clear)


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1])
def test_any_number_of_pictures(problem: Problem, count: int) -> None:
    """Whatever the size of a batch, and none that fills a batch is counted."""
    x = pictures(count, seed=6)
    y = reference_outputs(problem.spec.model, {"x": x})["y"]
    found = executed(problem.spec.model, x)
    np.testing.assert_allclose(found, y, atol=1e-3)
    labels = y.argmax(1)
    labels[::4] = (labels[::4] + 1) % 3
    right = 100 * (1 - len(labels[::4]) / count)
    assert accuracy(problem.spec.model, Split(x, labels)) == pytest.approx(right)


def test_file_for_a_batch_of_its_own(problem: Problem, tmp_path: Path) -> None:
    """60 pictures are no multiple of 7."""
    bias = cast(Any, problem.network.layers["fc"]).inner.bias.detach().numpy()
    path = tmp_path / "seven.onnx"
    path.write_bytes(serialized(tiny_network((7, *INPUT), bias=bias)))
    x = pictures(60, seed=6)
    np.testing.assert_allclose(executed(path, x), executed(problem.spec.model, x), atol=1e-3)


def test_crossbars_give_the_same_integers(problem: Problem, tmp_path: Path) -> None:
    """The level that is executed is above the crossbars; what these compute is equal, not close."""
    path = exported(problem, mixed(problem), tmp_path / "found.onnx")
    x = pictures(4, seed=7)
    program = compile(path, batch=4, emit="xbar")
    np.testing.assert_array_equal(executed(path, x), next(iter(program.run(x).values())))


def search_with(problem: Problem, folder: Path) -> Search:
    (folder / "states").mkdir()
    settings = SearchSettings((5.0,), "random", evaluations=3, confidence=0.8, trains=True, seed=0)
    log = EvaluationLog(folder / NAME, "tiny")
    return Search(problem, InProcess(problem), log, folder / "states", settings)


def evaluated(search: Search, choices: Choices, rung: Any) -> Found:
    (evaluation,) = search.evaluations.evaluate([choices], rung)
    return Found(5.0, judged(search.problem.space, [evaluation])[0], False)


def test_what_is_exported_is_what_was_evaluated(problem: Problem, tmp_path: Path) -> None:
    """Trained networks with their trained weights, the others quantised as they are."""
    search = search_with(problem, tmp_path)
    space, data = problem.space, problem.data
    choices = mixed(problem)
    uniform = space.uniform(Widths(2, 8))
    quick = evaluated(search, uniform, "quick")
    full = evaluated(search, choices, "full")
    eight = evaluated(search, space.eight, "full")
    given, files = export_all(search, Result(eight.judged.evaluation, [full], [quick]), tmp_path)
    assert given == (100, 100)
    assert [one.name for one in files] == ["8/8, trained", "uniform, 5 points", "found, 5 points, trained"]
    assert [one.file for one in files] == ["model-8-8.onnx", "model-uniform-5.onnx", "model.onnx"]
    picture = 100 / len(data.validation.x)
    for one, found in zip(files, (eight, quick, full), strict=True):
        # One picture may fall on the other side, where a code does.
        drop = found.judged.evaluation.drop
        assert 100 - one.validation == pytest.approx(drop, abs=picture + 1e-9)
        total: Any = one.report["total"]
        compiled: Any = compile(tmp_path / one.file, emit="report").report()["total"]
        for name in ("latency_us", "speedup", "latency_8bit_us", "tile_writes", "mvm_cycles"):
            assert total[name] == compiled[name]
    x = data.validation.x
    outputs = [reference_outputs(tmp_path / one.file, {"x": x})["logits"] for one in files]
    state = search.evaluations.state_of(full.judged.evaluation)
    assert state is not None
    export_qcdq(problem.evaluator.restored(choices, state), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()
    export_qcdq(problem.evaluator.restored(choices, None), tmp_path / "again.onnx")
    untrained = reference_outputs(tmp_path / "again.onnx", {"x": x})["logits"]
    assert np.abs(outputs[2] - untrained).max() > 1e-2
    assert files[2].policy == space.policy(choices)


def test_the_log_is_not_in_the_way_of_other_states(problem: Problem, tmp_path: Path) -> None:
    """A network that another search left in the folder is not exported, even if its widths are the same."""
    search = search_with(problem, tmp_path)
    choices = mixed(problem)
    quick = evaluated(search, choices, "quick")
    search.evaluations.state_file(choices).write_bytes(b"from elsewhere")
    _, files = export_all(search, Result(quick.judged.evaluation, [quick], [quick]), tmp_path)
    assert files[1].validation == files[2].validation
    assert 100 - files[2].validation == pytest.approx(
        quick.judged.evaluation.drop, abs=100 / len(problem.data.validation.x) + 1e-9
    )


def test_test_pictures_are_only_reported(problem: Problem, tmp_path: Path) -> None:
    """Their accuracies are None where there are none."""
    model, data = write_files(tmp_path)
    with np.load(data) as arrays:
        few = {name: arrays[name] for name in arrays.files if not name.endswith("test")}
    cast(Any, np.savez)(data, **few)
    (tmp_path / "out").mkdir()
    search = search_with(Problem(tiny_spec(model, data)), tmp_path / "out")
    assert len(search.problem.data.training.x) == TRAIN
    quick = evaluated(search, search.problem.space.widest, "quick")
    given, files = export_all(search, Result(quick.judged.evaluation, [quick], [quick]), tmp_path / "out")
    assert given == (100, None)
    assert all(one.test is None for one in files)


def test_the_table_says_what_was_found_is_expected_to_lose(problem: Problem, tmp_path: Path) -> None:
    """Short trainings are not in it, but tell of the full ones what their divergences mean."""
    search = search_with(problem, tmp_path)
    result = search.run()
    assert search.log.of_rung("short")
    export_all(search, result, tmp_path)
    with (tmp_path / "front.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["rung"] for row in rows} == {"quick", "full"}
    expected = {(row["rung"], row["drop"], row["divergence"]): float(row["expected_drop"]) for row in rows}
    for one in search.evaluations.seen().values():
        e = one.evaluation
        if e.rung != "short":
            key = e.rung, f"{e.drop:.6g}", f"{e.divergence:.6g}"
            assert expected[key] == pytest.approx(one.drop, rel=1e-5)


def test_budgets_that_are_close_have_files_of_their_own(problem: Problem, tmp_path: Path) -> None:
    search = search_with(problem, tmp_path)
    drops = (0.1234567, 0.1234568, 1.0)
    widest = evaluated(search, problem.space.widest, "quick")
    found = [Found(drop, widest.judged, True) for drop in drops]
    _, files = export_all(search, Result(widest.judged.evaluation, found, found), tmp_path)
    assert len({one.file for one in files}) == len(files) == 1 + 2 * len(drops)
    assert {one.file for one in files} >= {"model-0.1234567.onnx", "model-1.onnx", "model-uniform-1.onnx"}
    assert all((tmp_path / one.file).is_file() for one in files)

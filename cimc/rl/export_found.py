"""Writes the networks that a search found, executes them, and says how good they are."""

from collections.abc import Iterator
from pathlib import Path

from cimc.rl.evaluation import Evaluation
from cimc.rl.executed import accuracy
from cimc.rl.network.export import export_qcdq
from cimc.rl.outputs import FRONT, Exported, front_csv, front_picture, policy_json
from cimc.rl.search import Found, Result, Search
from cimc.tensor_store import write_text


def export_all(
    search: Search, result: Result, folder: Path
) -> tuple[tuple[float, float | None], list[Exported]]:
    """Files for the compiler, and what they do; before, the accuracies of the given model.

    The test pictures are looked at here, once, by what is reported.
    """
    problem = search.problem
    candidates = search.evaluations.candidates()  # judged as those are that were found
    write_text(folder / FRONT, front_csv(problem.space, candidates))
    front_picture(folder / "front.svg", candidates, result.found)
    given = _accuracies(search, problem.spec.model)
    exported = [_export(search, *named, folder) for named in _named(result)]
    return given, exported


def _named(result: Result) -> Iterator[tuple[str, str, Found | None, Evaluation]]:
    """What is exported: a name for the report, the end of the file's name, what was found."""
    yield "8/8", "-8-8", None, result.eight
    several = len(result.found) > 1
    for found in result.uniform:
        drop = f"{found.max_drop:.15g}"
        yield f"uniform, {drop} points", f"-uniform-{drop}", None, found.judged.evaluation
    for found in result.found:
        drop = f"{found.max_drop:.15g}"
        yield f"found, {drop} points", f"-{drop}" if several else "", found, found.judged.evaluation


def _export(
    search: Search, name: str, suffix: str, found: Found | None, evaluation: Evaluation, folder: Path
) -> Exported:
    problem, choices, state = search.problem, evaluation.choices, search.evaluations.state_of(evaluation)
    file = folder / f"model{suffix}.onnx"
    export_qcdq(problem.evaluator.restored(choices, state), file)
    policy = problem.space.policy(choices)
    write_text(folder / f"policy{suffix}.json", policy_json(policy))
    validation, test = _accuracies(search, file)
    if state is not None:
        name += ", trained"
    return Exported(name, found, policy, problem.report(choices), file.name, validation, test)


def _accuracies(search: Search, file: Path) -> tuple[float, float | None]:
    """On the validation and the test pictures, in percent."""
    data = search.problem.data
    return accuracy(file, data.validation), None if data.test is None else accuracy(file, data.test)

"""What a page needs to know of programs and files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cimc.comparison import costs_of_json, costs_of_program, costs_of_report, json_in
from cimc.errors import CimcError
from cimc.html.runs import Run
from cimc.main_function import target_of
from cimc.program import Program, load
from cimc.results import KEYS, Results, results_of
from cimc.target import target_from


def run_of_program(label: str, program: Program) -> Run:
    """A program at the xbar level, with its report if it has just been compiled."""
    report = program.compiled_report
    costs = costs_of_program(program) if report is None else costs_of_report(report)
    return Run(label, costs, target_of(program.module), program.timeline)


def runs_in(paths: Sequence[Path]) -> list[Run]:
    """What files tell: programs (`.mlir`), reports as JSON, and results of `cimc run` on these programs.

    Raises `CimcError` for other files, for results of a program that is not there, and if there is neither a
    program nor a report.
    """
    runs: dict[str, Run] = {}
    results: list[tuple[Path, Results]] = []
    for path in paths:
        if path.suffix == ".mlir":
            runs[path.name] = run_of_program(path.stem, load(path))
            continue
        data = json_in(path)
        if isinstance(data, Mapping) and cast(Mapping[str, Any], data).keys() >= KEYS:
            results.append((path, results_of(data, str(path))))
        else:
            costs = costs_of_json(data, str(path))
            runs[path.name] = Run(
                path.stem, costs, target_from(cast(dict[str, Any], data).get("target"), str(path))
            )
    for path, found in results:
        if found.program not in runs:
            raise CimcError(f"{path}: holds results of {found.program}, which is not among the files given")
        runs[found.program] = replace(runs[found.program], results=found)
    if not runs:
        raise CimcError("give a program (.mlir) or a report as JSON to make a page of")
    return list(runs.values())

"""What `cimc search` does."""

import logging
import os
import sys
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.errors import CimcError
from cimc.folder_lock import only_one_in
from cimc.pipelines import Options, OptLevel
from cimc.target import load_target
from cimc.tensor_store import write_text

if TYPE_CHECKING:
    from cimc.rl.agents.make import AgentName
    from cimc.rl.network.training import Augmentation
    from cimc.rl.outputs import Exported
    from cimc.rl.problem import ProblemSpec, SensitivityMethod

SHORT = 6
"""A short training is so many times shorter than the full one."""

EXTRA = (
    "brevitas",
    "matplotlib",
    "onnxoptimizer",
    "onnxscript",
    "tensorboard",
    "tensordict",
    "torch",
    "torchrl",
)
"""The packages of `cimc[search]`."""

SENSITIVITY = 64
"""Pictures that each layer's sensitivities are found with."""


@dataclass(frozen=True)
class SearchArguments:
    """The command line of `cimc search`."""

    model: Path
    data: Path
    max_drop: tuple[float, ...]
    output: Path | None
    target: str
    opt_level: OptLevel
    mapping: str | None
    crossbars: int | None
    agent: "AgentName"
    evaluations: int
    confidence: float
    sensitivity: "SensitivityMethod"
    weight_bits: str
    activation_bits: str
    edges_at_8_bits: bool
    epochs: float
    rate: float
    augment: "Augmentation"
    validation: int
    calibration: int
    workers: int
    ray: str | None
    seed: int


@dataclass(frozen=True)
class Searched:
    """What a search found."""

    folder: Path
    """With the files."""
    accuracy: float
    """Of the given model on the validation pictures, in percent."""
    test_accuracy: float | None
    """On the test pictures, if there are any."""
    exported: "list[Exported]"
    """8/8 bits, the best of uniform widths for each budget, and at last what was found for each."""
    text: str
    """The report."""


def search_main(arguments: SearchArguments) -> None:
    """Searches, and prints the report."""
    sys.stdout.write(searched(arguments).text)


def searched(arguments: SearchArguments) -> Searched:
    """Searches, and writes what it found. Raises `CimcError` for whatever the user got wrong."""
    need_extra()
    quiet()
    spec = problem_spec(arguments)
    folder = arguments.output or Path(f"{arguments.model.stem}-search")
    if folder.exists() and not folder.is_dir():
        raise CimcError(f"{folder}: is a file; -o names a folder")
    if arguments.model.resolve().parent == folder.resolve() and arguments.model.name.startswith("model"):
        raise CimcError(
            f"{arguments.model}: what is found could be written over it; give another folder with -o"
        )
    from cimc.rl.export_found import export_all
    from cimc.rl.log import NAME, EvaluationLog, fingerprint
    from cimc.rl.outputs import FRONT, front_csv, report_text
    from cimc.rl.problem import Problem
    from cimc.rl.search import Search, SearchSettings
    from cimc.rl.workers import workers
    from cimc.tools.search_progress import show_search

    identity = fingerprint(spec)
    EvaluationLog(folder / NAME, identity)  # raises if it is that of another search
    states = folder / "states"
    unfinished = (states / identity).absolute()
    spec = replace(spec, checkpoints=unfinished)
    settings = SearchSettings(
        tuple(sorted(set(arguments.max_drop))),
        arguments.agent,
        arguments.evaluations,
        arguments.confidence,
        arguments.epochs > 0,
        arguments.seed,
    )
    with ExitStack() as stack:
        show = stack.enter_context(show_search(folder / "tensorboard"))
        problem = Problem(spec, show.say)
        pool = stack.enter_context(workers(problem, arguments.workers, arguments.ray))
        make_folder(states)
        stack.enter_context(only_one_in(folder))
        log = EvaluationLog(folder / NAME, identity)  # what another search has added meanwhile is known, too
        problem.evaluator.stepped = show.stepped
        given = problem.evaluator.reference.accuracy
        evaluated = show.evaluated(problem.space, given, settings.max_drops)
        search = Search(problem, pool, log, states, settings, evaluated)
        try:
            result = search.run()
        except KeyboardInterrupt:
            if found := search.evaluations.candidates():
                write_text(folder / FRONT, front_csv(problem.space, found))
            raise
        with suppress(OSError):  # it is kept if a training is unfinished that is not wanted any more
            unfinished.rmdir()
        show.say("executing what was found")
        accuracies, exported = export_all(search, result, folder)
    text = report_text(arguments.model.name, accuracies, exported, log.all())
    write_text(folder / "report.md", text)
    return Searched(folder, *accuracies, exported, text)


def make_folder(folder: Path) -> None:
    """Raises `CimcError` if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise CimcError(f"{folder}: cannot be made: {e.strerror}") from None


def problem_spec(arguments: SearchArguments) -> "ProblemSpec":
    """The problem that a command line describes. Raises `CimcError` for what makes no sense."""
    from cimc.rl.constraints import Constraints, bit_widths, weight_widths
    from cimc.rl.network.training import Training
    from cimc.rl.problem import ProblemSpec

    for path in (arguments.model, arguments.data):
        if not path.is_file():
            raise CimcError(f"{path}: no such file")
    if not arguments.max_drop or not all(0 <= drop <= 100 for drop in arguments.max_drop):
        raise CimcError("--max-drop: how many points of top-1 may be lost? A number from 0 to 100, like 0.5")
    for name, value in (("confidence", arguments.confidence), ("epochs", arguments.epochs)):
        if not isfinite(value):
            raise CimcError(f"--{name} must be a number, got {value}")
    if not 0 < arguments.rate < inf:
        raise CimcError(f"--rate, of learning, must be above 0, like 3e-4, got {arguments.rate}")
    target = load_target(arguments.target).with_crossbars(arguments.crossbars)
    constraints = Constraints(
        weight_widths(arguments.weight_bits, target),
        bit_widths(arguments.activation_bits),
        arguments.edges_at_8_bits,
    )
    full = Training(arguments.epochs, arguments.rate, augmentation=arguments.augment)
    short = replace(full, epochs=arguments.epochs / SHORT)
    return ProblemSpec(
        arguments.model,
        arguments.data,
        target,
        Options(mapping=arguments.mapping, opt_level=arguments.opt_level),
        constraints,
        arguments.validation,
        arguments.calibration,
        min(arguments.calibration, SENSITIVITY),
        arguments.sensitivity,
        short,
        full,
        arguments.seed,
    )


def quiet() -> None:
    """Keeps the libraries from saying what is of no use to a user."""
    import torch

    torch.set_num_threads(1)  # processes share the work: two busy threads wait for each other
    warnings.simplefilter("ignore")
    logging.getLogger("torchrl").setLevel(logging.ERROR)
    os.environ.setdefault("RL_LOGGING_LEVEL", "ERROR")  # it sets its level when it is imported


def need_extra() -> None:
    """Raises `CimcError` if the packages of the search are not installed: some are needed at its end only."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise CimcError(f"cimc search needs {', '.join(missing)}: pip install 'cimc[search]'")

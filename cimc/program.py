"""The Python interface: compile, report, run, save."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.advice import Advice, advice_for
from cimc.check_each_pass import check_each_pass
from cimc.context import CimcContext, new_context
from cimc.data import batches, inputs_for, save_npz
from cimc.dialects.tensor_types import shape_of
from cimc.driver import Observer, drop_unused_arrays, run_pipeline
from cimc.errors import CimcError
from cimc.explain import Explanation, explain
from cimc.frontend.importer import import_onnx
from cimc.interpreters.clock import timeline_of
from cimc.interpreters.execute import Executor
from cimc.interpreters.replay import Replay
from cimc.interpreters.simulation import Simulation
from cimc.ir_files import load_module, save_module
from cimc.main_function import input_names, main_function, set_target, target_of
from cimc.pipelines import LAST_CHOICE, Options, OptLevel, Stage, pipeline
from cimc.report import Report, report_of
from cimc.runtime.arrays import Array
from cimc.runtime.calibration import Method
from cimc.runtime.encoding import MappingName
from cimc.runtime.timeline import Timeline
from cimc.target import DEFAULT_TARGET, Target, load_target
from cimc.trace import trace_events


@dataclass
class Program:
    """A compiled network: its IR at the stage it was compiled to, and the arrays that the IR names."""

    ctx: CimcContext
    module: ModuleOp
    options: Options | None = None
    """How it was compiled; None for a program from a file."""
    emit: Stage | None = None
    compiled_report: Report | None = None
    replayed: bool = field(default=False, init=False)
    """Whether what a run did on its crossbars was compared with the timeline."""
    _chip: "Chip | None" = field(default=None, init=False)

    def report(self) -> Report:
        """What each layer costs. Raises `CimcError` for a program that was loaded from a file."""
        if self.compiled_report is None:
            raise CimcError("only a program that has just been compiled has a report")
        return self.compiled_report

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the inputs, by name."""
        function = main_function(self.module)
        return dict(zip(input_names(function), map(shape_of, function.args), strict=True))

    def advice(self) -> Advice:
        """What would make the network faster.

        Raises `CimcError` for a program that was not compiled with `emit="report"`.
        """
        if self.options is None or self.emit != "report":
            raise CimcError('advice needs a program that has just been compiled with emit="report"')
        return advice_for(self.ctx, self.module, self.options, self.report())

    @cached_property
    def timeline(self) -> Timeline | None:
        """When the crossbars do what in an inference; None for a program that is not at the xbar level.

        Raises `CimcError` if a crossbar would do two things at once.
        """
        timeline = timeline_of(self.module, self.ctx.tensors)
        return timeline if timeline.events else None

    def explain(self, layer: str) -> Explanation:
        """One layer, from the node of the model to the crossbars.

        Raises `CimcError` if the program is not at the xbar level, or has no layer of that name.
        """
        return explain(self.module, self.timeline, layer)

    def trace(self) -> dict[str, Any]:
        """The timeline as Chrome trace events, for Perfetto: JSON with a track for each crossbar.

        Raises `CimcError` if there is no timeline.
        """
        if self.timeline is None:
            raise CimcError("the program does nothing on crossbars: only one at the xbar level has a trace")
        return trace_events(self.timeline, target_of(self.module).name)

    def run(
        self, x: Array | Mapping[str, Array], *, target: Target | None = None, seed: int = 0, trial: int = 0
    ) -> dict[str, Array]:
        """The outputs by name of inputs by name, or of the single input.

        Inputs may hold any multiple of the batch that the program was compiled for; it then runs once for
        each. The chip is `trial` number so and so of a `seed`, of those that `target` describes, by default
        that which the program was compiled for. Raises `CimcError` if an input is missing or of another
        shape.
        """
        data = {"x": x} if isinstance(x, np.ndarray) else x
        function = main_function(self.module)
        inputs = inputs_for(function, data, "the input")
        chip = self.chip(target, seed, trial)
        return concatenated([chip.run_batch(n, batch) for n, batch in enumerate(batches(function, inputs))])

    def chip(self, target: Target | None = None, seed: int = 0, trial: int = 0) -> "Chip":
        """A chip with the program: the same one as before, unless another one is asked for."""
        wanted = (target or target_of(self.module), seed, trial)
        if self._chip is None or self._chip.identity != wanted:
            self._chip = Chip(self, *wanted)
        return self._chip

    def save(self, path: str | Path) -> None:
        """Writes `path` (`.mlir`) and, beside it, the weights as `.safetensors`."""
        save_module(self.ctx, self.module, Path(path))


class Chip:
    """A chip with a program. It may be one of those that another target describes than the program's."""

    def __init__(self, program: Program, target: Target, seed: int, trial: int) -> None:
        self.identity = (target, seed, trial)
        self.simulation = Simulation(program.module, target, seed, trial)
        self._program = program
        self._executor = Executor(program.module, program.ctx.tensors, self.simulation)

    def run_batch(self, number: int, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of one batch of exactly the size that the program was compiled for.

        What the crossbars do, and when, is the same for all inputs: it is replayed and checked in the
        program's first run. Raises `CimcError` if it cannot be.
        """
        self.simulation.begin_batch(number)
        timeline = self._program.timeline
        if timeline is None or self._program.replayed:
            return self._executor.run(inputs)
        replay = Replay(self._program.module)
        outputs = self._executor.run(inputs, replay)
        replay.check(timeline)
        self._program.replayed = True
        return outputs


def concatenated(outputs: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The outputs of several batches as one; a scalar of each batch becomes an element."""
    return {
        name: np.concatenate([np.atleast_1d(output[name]) for output in outputs])
        if len(outputs) > 1
        else outputs[0][name]
        for name in outputs[0]
    }


def load(path: str | Path) -> Program:
    """A program from a `.mlir` file and the weights beside it. Raises `CimcError` if it is not valid."""
    ctx = new_context()
    return Program(ctx, load_module(ctx, Path(path)))


def compile(
    model: str | Path,
    *,
    target: str | Target = DEFAULT_TARGET,
    policy: str | Path | Mapping[str, Mapping[str, int]] | None = None,
    bits: tuple[int, int] | None = None,
    calibrate: str | Path | Mapping[str, Array] | None = None,
    calibration: Method | None = None,
    mapping: MappingName | str | None = None,
    stationary: str = "weights",
    crossbars: int | None = None,
    schedule: str | None = None,
    batch: int = 1,
    opt_level: OptLevel = 1,
    emit: Stage = "xbar",
    observers: Sequence[Observer] = (),
    before_verifying: Sequence[Observer] = (),
    keep_arrays: bool = False,
    check: bool | Mapping[str, Array] = False,
    cases: str | Path | None = None,
) -> Program:
    """Compiles an ONNX file.

    - `target`: a built-in target's name, a TOML file, or a `Target`;
    - `policy` (a JSON file or what would be in it) or `bits` (weights, activations): the precision; without
      both, what the file's quantisation says, else 8 and 8;
    - `calibrate`: data to find the ranges of a float model's activations, and `calibration` the method, by
      default `mse`;
    - `mapping`: a mapping's name or `any`; by default the target's;
    - `crossbars`: how many there are, by default the target's; `schedule`: how layers share them: `list`
      (default), `optimal` (the same after a longer search) or `resident`;
    - `stationary`: `weights` stores constant weights in crossbars, `any` the inputs of layers that are faster
      so, `inputs` those of all;
    - `opt_level`: 0 is the paper's mapping and schedule, 1 all that leaves the integers equal;
    - `emit`: the stage to stop at;
    - `observers` see the IR after every pass, those of `before_verifying` also if it is not valid; with
      `keep_arrays` they find the arrays of all passes;
    - `check` runs the IR after every pass, on the given inputs or on random ones, and raises with the name
      of the first pass that changes a number; `cases` is a folder for a test that shows it.

    Raises `CimcError` with one clear message for whatever is wrong with the input.
    """
    if policy is not None and bits is not None:
        raise CimcError("give a policy or bits, not both")
    hardware = (load_target(target) if isinstance(target, str) else target).with_crossbars(crossbars)
    ctx = new_context()
    module = import_onnx(Path(model), ctx.tensors, batch)
    set_target(module, hardware)
    program = Program(ctx, module)

    def watch_report(done: ModulePass | None, module: ModuleOp) -> None:
        if done is not None and done.name == LAST_CHOICE[opt_level]:
            program.compiled_report = report_of(ctx, module)

    with _as_files(policy, calibrate) as (policy_file, data_file):
        options = Options(
            policy=policy_file,
            weight_bits=None if bits is None else bits[0],
            activation_bits=None if bits is None else bits[1],
            calibrate=data_file,
            calibration=calibration,
            mapping=mapping,
            opt_level=opt_level,
            schedule=schedule,
            stationary=stationary,
        )
        program.options, program.emit = options, emit
        watchers: list[Observer] = [watch_report]
        if check is not False:  # before arrays are dropped that the module before may need
            watchers.append(_checker(program, check, None if cases is None else Path(cases)))
        if not keep_arrays:
            watchers.append(drop_unused_arrays(ctx))
        spec = pipeline(emit, options)
        # Verifying the thousands of tiles of a large network after each pass takes seconds.
        verify_each = check is not False or keep_arrays
        run_pipeline(
            ctx,
            module,
            spec,
            [*watchers, *observers],
            verify_each=verify_each,
            before_verifying=before_verifying,
        )
    return program


def _checker(program: Program, check: bool | Mapping[str, Array], cases: Path | None) -> Observer:
    if isinstance(check, bool):
        return check_each_pass(program.ctx, None, cases)
    function = main_function(program.module)
    inputs = inputs_for(function, check, "the input to check with")
    return check_each_pass(program.ctx, next(batches(function, inputs, 1)), cases)


@contextmanager
def _as_files(
    policy: str | Path | Mapping[str, Mapping[str, int]] | None,
    data: str | Path | Mapping[str, Array] | None,
) -> Generator[tuple[str | None, str | None]]:
    """Policy and data as files, as passes take them; what is given as objects lies there for a while."""
    with TemporaryDirectory() as folder:
        if isinstance(policy, Mapping):
            path = Path(folder) / "policy.json"
            path.write_text(json.dumps(policy, default=dict))
            policy = path
        if isinstance(data, Mapping):
            path = Path(folder) / "data.npz"
            save_npz(path, data)
            data = path
        yield (None if policy is None else str(policy)), (None if data is None else str(data))

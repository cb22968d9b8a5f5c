"""What `cimc MODEL.onnx` does."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cimc.driver import Observer
from cimc.dump_ir import dump_ir
from cimc.errors import CimcError
from cimc.ir_files import SHARED_WEIGHTS, print_module
from cimc.pipelines import Options, OptLevel, Stage, pipeline
from cimc.policy import Widths, parse_bits
from cimc.print_ir import print_ir_after
from cimc.program import Program, compile
from cimc.runtime.calibration import Method
from cimc.runtime.npz import load_npz
from cimc.tensor_store import atomic_path, check_output, write_text
from cimc.tools.garbage import no_collection
from cimc.tools.progress import show_passes

SUFFIXES: dict[Stage, str] = {"report": "", "trace": "", "html": ".html"}
"""How the names of files end that are no IR; any way where there is nothing."""


@dataclass(frozen=True)
class CompileArguments:
    """The command line of the compiler."""

    model: Path | None
    emit: Stage
    output: Path | None
    target: str
    policy: str | None
    bits: str | None
    calibrate: str | None
    calibration: Method | None
    opt_level: OptLevel
    mapping: str | None
    stationary: str
    crossbars: int | None
    schedule: str | None
    batch: int
    report_format: str
    dump_ir: Path | None
    print_ir_after: tuple[str, ...]
    check_each_pass: bool
    check_input: Path | None
    print_pipeline: bool


def compile_main(arguments: CompileArguments) -> None:
    """Compiles, and writes the result. Raises `CimcError` for whatever the user got wrong."""
    widths = None if arguments.bits is None else parse_bits(arguments.bits)
    bits = None if widths is None else (widths.weight_bits, widths.activation_bits)
    spec = pipeline(arguments.emit, _options(arguments, widths))
    if arguments.print_pipeline:
        print(spec)
        return
    if arguments.model is None:
        raise CimcError("which model? Usage: cimc MODEL.onnx [OPTIONS], see cimc --help")
    if arguments.output is not None:
        check_output(arguments.output, SUFFIXES.get(arguments.emit, ".mlir"))
    elif arguments.emit == "html":
        raise CimcError("a page is too long to print: give -o PAGE.html")
    observers: list[Observer] = []
    if arguments.dump_ir is not None:
        observers.append(dump_ir(arguments.dump_ir))
    if arguments.print_ir_after:
        observers.append(print_ir_after(arguments.print_ir_after, spec, sys.stderr))
    with no_collection(), show_passes(arguments.model.name) as show:
        program = compile(
            arguments.model,
            target=arguments.target,
            policy=arguments.policy,
            bits=bits,
            calibrate=arguments.calibrate,
            calibration=arguments.calibration,
            mapping=arguments.mapping,
            stationary=arguments.stationary,
            crossbars=arguments.crossbars,
            schedule=arguments.schedule,
            batch=arguments.batch,
            opt_level=arguments.opt_level,
            emit=arguments.emit,
            observers=[show],
            before_verifying=observers,
            keep_arrays=arguments.dump_ir is not None,
            check=_check_inputs(arguments),
            cases=arguments.dump_ir or Path(),
        )
    if arguments.dump_ir is not None:
        tensors = program.ctx.tensors
        tensors.save(arguments.dump_ir / SHARED_WEIGHTS, tensors)
    _write(program, arguments)


def _options(arguments: CompileArguments, widths: Widths | None) -> Options:
    return Options(
        policy=arguments.policy,
        weight_bits=None if widths is None else widths.weight_bits,
        activation_bits=None if widths is None else widths.activation_bits,
        calibrate=arguments.calibrate,
        calibration=arguments.calibration,
        mapping=arguments.mapping,
        opt_level=arguments.opt_level,
        schedule=arguments.schedule,
        stationary=arguments.stationary,
    )


def _check_inputs(arguments: CompileArguments):
    if arguments.check_input is None:
        return arguments.check_each_pass
    if not arguments.check_each_pass:
        raise CimcError("--input is for --check-each-pass")
    return load_npz(arguments.check_input)


def _write(program: Program, arguments: CompileArguments) -> None:
    if arguments.emit in ("report", "trace"):
        if arguments.output is None:
            _print(program, arguments, sys.stdout)
            return
        with atomic_path(arguments.output) as temporary, temporary.open("w") as file:
            _print(program, arguments, file)
        return
    if arguments.output is None:
        sys.stdout.write(print_module(program.module))
        return
    if arguments.emit == "html":
        from cimc.html.about import run_of_program
        from cimc.html.page import page

        assert arguments.model is not None
        name = arguments.model.stem
        write_text(arguments.output, page(name, [run_of_program(name, program)]))
        return
    program.save(arguments.output)


def _print(program: Program, arguments: CompileArguments, file: TextIO) -> None:
    """Prints a trace or a report."""
    if arguments.emit == "trace":
        file.write(json.dumps(program.trace()) + "\n")
    elif arguments.report_format == "json":
        file.write(json.dumps(program.report().as_json(), indent=2) + "\n")
    else:
        from cimc.tools.console import console_for
        from cimc.tools.report_text import print_report

        with console_for(file) as console:
            print_report(program.report(), program.advice(), console)

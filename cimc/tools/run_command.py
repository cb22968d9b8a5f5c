"""What `cimc run` does."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xdsl.dialects.func import FuncOp

from cimc.data import TO_RUN_ON, batches, inputs_for, labels_for, save_npz
from cimc.dialects.tensor_types import dtype_of, element_type
from cimc.dialects.xbar import MvmOp
from cimc.errors import CimcError
from cimc.main_function import input_names, main_function, output_names, target_of
from cimc.program import Program, concatenated, load
from cimc.results import Results, save_results
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.npz import load_npz
from cimc.runtime.timeline import Timeline
from cimc.target import Target, ms
from cimc.tensor_store import check_output
from cimc.tools.analog_options import with_options
from cimc.tools.compare import Comparison, compare, output_steps, reference_outputs
from cimc.tools.console import plain_console
from cimc.tools.cost_text import energy_and_wear, events_table
from cimc.tools.garbage import no_collection
from cimc.tools.progress import count_batches
from cimc.tools.scores import classes, print_results, shares
from cimc.trials import Experiment, results


@dataclass(frozen=True)
class RunArguments:
    """The command line of `cimc run`."""

    program: Path
    input_file: Path
    output: Path | None
    results: Path | None
    compare: Path | None
    adc_bits: int | None
    noise: tuple[str, ...]
    seed: int
    trials: int
    workers: int
    threads: int


def run_main(args: RunArguments) -> None:
    """Runs a program and prints what it took. Raises `CimcError` for whatever the user got wrong."""
    for path, suffix in ((args.output, ".npz"), (args.results, ".json")):
        if path is not None:
            check_output(path, suffix)
    with no_collection():
        program = load(args.program)
    function = main_function(program.module)
    data = load_npz(args.input_file)
    parts = list(batches(function, inputs_for(function, data, str(args.input_file), TO_RUN_ON)))
    target = with_options(target_of(program.module), args.adc_bits, args.noise)
    if (args.adc_bits is not None or args.noise) and not any(isinstance(o, MvmOp) for o in function.walk()):
        raise CimcError(
            f"{args.program}: nothing runs on crossbars, so --adc-bits and --noise do not change anything: "
            "give a program at the xbar level"
        )
    experiment = Experiment(args.program, target, args.seed, parts, args.threads)
    labels = labels_for(function, data, str(args.input_file))
    if args.results is not None and labels is None and args.trials == 1:
        raise CimcError(
            "--results needs labels (y with x, y_test with x_test) in the input, or several --trials"
        )
    outcome = _run_all(experiment, program, args.trials, args.workers)
    if not outcome.trials:
        raise KeyboardInterrupt
    comparisons = None
    if args.compare is not None and not outcome.interrupted:
        comparisons = _comparisons(program, parts, outcome.trials[0], args.compare)
    if args.output is not None and not outcome.interrupted:
        save_npz(args.output, outcome.arrays())
    _print_cost(outcome.timeline, len(parts), target)
    if labels is not None or args.trials > 1:
        found = _results(args.program.name, program, outcome.trials, parts, labels)
        _tell(found, None if outcome.interrupted else args.results)
    if comparisons is not None:
        _print_comparisons(comparisons)
    _warn_of_clipping(outcome.counts)
    _warn_of_balanced_digits(function, target)
    if outcome.interrupted:
        raise KeyboardInterrupt


@dataclass
class _Outcome:
    """What all trials gave."""

    trials: list[dict[str, Array]]
    timeline: Timeline | None
    counts: dict[str, ReadCounts]
    interrupted: bool
    """Whether these are only the trials that ended before the user interrupted."""

    def arrays(self) -> dict[str, Array]:
        """The outputs by name; those of several trials as one array [trials, ...]."""
        if len(self.trials) == 1:
            return self.trials[0]
        return {name: np.stack([trial[name] for trial in self.trials]) for name in self.trials[0]}


def _run_all(experiment: Experiment, program: Program, trials: int, workers: int) -> _Outcome:
    by_trial: list[list[dict[str, Array]]] = [[] for _ in range(trials)]
    counts: dict[str, ReadCounts] = {}
    timeline, interrupted = None, False
    parts = len(experiment.batches)
    with count_batches(experiment.path.name, trials * parts) as advance:
        try:
            with results(experiment, program, trials, workers) as done:
                for result in done:
                    by_trial[result.trial].append(result.outputs)
                    timeline = result.timeline
                    for layer, found in result.counts.items():
                        counts.setdefault(layer, ReadCounts()).add(found)
                    advance()
        except KeyboardInterrupt:
            interrupted = True
    whole = [concatenated(outputs) for outputs in by_trial if len(outputs) == parts]
    return _Outcome(whole, timeline, counts, interrupted)


def _results(
    file: str,
    program: Program,
    trials: Sequence[Mapping[str, Array]],
    parts: Sequence[Mapping[str, Array]],
    labels: Array | None,
) -> Results | None:
    """How often each trial was right; None, and a line that says why, if that is not known."""
    name = output_names(main_function(program.module))[0]
    what, shape = "accuracy", trials[0][name].shape
    if len(shape) != 2:
        print(f"{what}: not known: the output {name!r} has shape {list(shape)}, not [pictures, classes]")
        return None
    if labels is None:
        what = "the same class as on an ideal chip"
        chip = program.chip(target_of(program.module).as_ideal())
        ideal = concatenated([chip.run_batch(number, part) for number, part in enumerate(parts)])
        labels = classes(ideal[name])
    return Results(file, what, shares([trial[name] for trial in trials], labels), len(labels))


def _tell(results: Results | None, path: Path | None) -> None:
    """Prints results, and writes them if a file is given."""
    if results is not None:
        print_results(results)
    if path is None:
        return
    if results is None:
        raise CimcError(f"{path}: there are no results to write")
    save_results(results, path)


def _warn_of_clipping(counts: Mapping[str, ReadCounts]) -> None:
    clipping = [
        f"{layer} ({100 * c.clipped / c.converted:.2g} % of its reads)"
        for layer, c in counts.items()
        if c.clipped
    ]
    if clipping:
        print(f"cimc: warning: sums are out of the ADCs' range in {', '.join(clipping)}", file=sys.stderr)


def _comparisons(
    program: Program,
    parts: Sequence[Mapping[str, Array]],
    results: Mapping[str, Array],
    reference: Path,
) -> list[Comparison]:
    function = main_function(program.module)
    types = dict(zip(input_names(function), function.function_type.inputs, strict=True))
    expected = concatenated(
        [
            reference_outputs(
                reference, {n: a.astype(dtype_of(element_type(types[n]))) for n, a in part.items()}
            )
            for part in parts
        ]
    )
    if missing := sorted(results.keys() - expected.keys()):
        raise CimcError(f"{reference} has no output {missing[0]!r}; is it the model of this program?")
    steps = output_steps(program.ctx, program.module)
    return [compare(name, found, expected[name], steps[name]) for name, found in results.items()]


def _warn_of_balanced_digits(function: FuncOp, target: Target) -> None:
    mvms = [op for op in function.walk() if isinstance(op, MvmOp)]
    layers = dict.fromkeys(op.layer.data for op in mvms if op.encoding.data.balanced)
    if target.adc.bits is not None and layers:
        print(
            f"cimc: warning: digits do not carry the sign of their weight in {', '.join(layers)}, so ADCs "
            "read larger sums than need be: compile for a target with [adc] bits",
            file=sys.stderr,
        )


def _print_cost(timeline: Timeline | None, runs: int, target: Target) -> None:
    if timeline is None:
        print(f"{runs} run(s); nothing ran on crossbars, the program is not at the xbar level")
        return
    total = timeline.total
    print(
        f"{runs} run(s), each {ms(timeline.end_ps):.3f} ms on the chip: "
        f"{total.tile_writes} tile writes, {total.mvm_cycles} MVM cycles, "
        f"{total.adc_conversions} ADC and {total.dac_conversions} DAC conversions\n"
    )
    plain_console(width=120).print(events_table(timeline.layers, timeline.digital, target.energy))
    print(f"\n{energy_and_wear(total, timeline.wear, target)}")


def _print_comparisons(comparisons: list[Comparison]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("output")
    for column in ("samples", "same top-1", "exact ties", "largest difference", "in steps"):
        table.add_column(column, justify="right")
    for c in comparisons:
        table.add_row(
            c.name,
            str(c.samples),
            f"{c.same_top1} ({100 * c.same_top1 / c.samples:.2f} %)",
            str(c.ties),
            f"{c.largest_difference:.3g}",
            f"{c.steps:.3g}",
        )
    plain_console(width=120).print(table)

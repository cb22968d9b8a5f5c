"""What `cimc run` does."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cimc.data import batches, inputs_for, load_npz, save_npz
from cimc.dialects.tensor_types import dtype_of, element_type
from cimc.errors import CimcError
from cimc.main_function import input_names, main_function
from cimc.program import Program, concatenated, load
from cimc.runtime.arrays import Array
from cimc.target import PICOSECONDS_PER_US
from cimc.tensor_store import check_output
from cimc.tools.compare import Comparison, compare, output_steps, reference_outputs
from cimc.tools.garbage import no_collection
from cimc.tools.progress import count_batches


def run_main(path: Path, input_file: Path, output: Path | None, reference: Path | None) -> None:
    """Runs a program and prints what it took. Raises `CimcError` for whatever the user got wrong."""
    if output is not None:
        check_output(output, ".npz")
    with no_collection():
        program = load(path)
    function = main_function(program.module)
    inputs = inputs_for(function, load_npz(input_file), str(input_file))
    parts = list(batches(function, inputs))
    outputs: list[dict[str, Array]] = []
    with count_batches(path.name, len(parts)) as advance:
        chip = program.chip()
        for number, part in enumerate(parts):
            outputs.append(chip.run_batch(number, part))
            advance()
    results = concatenated(outputs)
    comparisons = None if reference is None else _comparisons(program, parts, results, reference)
    if output is not None:
        save_npz(output, results)
    _print_cost(program, len(parts))
    if comparisons is not None:
        _print_comparisons(comparisons)


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


def _print_cost(program: Program, runs: int) -> None:
    timeline = program.timeline
    if timeline is None:
        print(f"{runs} run(s); nothing ran on crossbars, the program is not at the xbar level")
        return
    total = timeline.total
    print(
        f"{runs} run(s), each {timeline.end_ps / PICOSECONDS_PER_US / 1000:.3f} ms on the chip: "
        f"{total.tile_writes} tile writes, {total.mvm_cycles} MVM cycles, "
        f"{total.adc_conversions} ADC and {total.dac_conversions} DAC conversions"
    )


def _print_comparisons(comparisons: list[Comparison]) -> None:
    from rich.console import Console
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
    Console(width=120, highlight=False).print(table)

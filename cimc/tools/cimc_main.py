"""`cimc`: the compiler (`cimc MODEL.onnx ...`) and the simulator (`cimc run PROGRAM.mlir ...`).

Heavy modules are imported inside of the commands, so that `cimc --help` is fast.
"""

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem


class _CompileByDefault(click.Group):
    """A group that takes what is no subcommand for the arguments of `compile`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = args or ["--help"]
        if args[0] not in (*self.commands, "--help", "--version"):
            args = ["compile", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage("cimc", "MODEL.onnx [OPTIONS]")
        formatter.write_usage("cimc", "COMMAND [ARGS]...")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Compiler options"):
            compiler = self.commands["compile"]
            records = [p.get_help_record(ctx) for p in compiler.get_params(ctx)]
            formatter.write_dl([record for record in records if record])
        self.format_commands(ctx, formatter)


@click.group(cls=_CompileByDefault, context_settings={"max_content_width": 110})
@click.version_option(package_name="cimc")
def cli() -> None:
    """Compiles trained networks (ONNX) to programs for RRAM crossbars, and runs them bit by bit exact."""


def _complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from cimc.target import built_in_targets

    names = [name for name in built_in_targets() if name.startswith(incomplete)]
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


_target = click.option(
    "--target",
    default="rram-256x256-c4",
    show_default=True,
    metavar="NAME|FILE.toml",
    help="A target's name or file.",
    shell_complete=_complete_targets,
)


_mapping = click.option(
    "--mapping",
    type=click.Choice(["differential-column", "differential-row", "mixed-digits", "offset", "any"]),
    help="How weights lie in cells; by default as the target says.",
)
_crossbars = click.option(
    "--crossbars", type=click.IntRange(1), help="Overrides the target's number of crossbars."
)


@cli.command("compile", hidden=True)
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--emit",
    type=click.Choice(["onnx", "cim", "xbar", "report", "html", "trace"]),
    default="xbar",
    show_default=True,
    help="The level of IR to write, the cost report, as text or as a page, or a trace for Perfetto.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to write; weights lie beside it."
)
@_target
@click.option("--policy", type=click.Path(), help="JSON file with the widths of each layer.")
@click.option("--bits", metavar="W,A", help="Widths of weights and activations of all layers.")
@click.option("--calibrate", type=click.Path(), metavar="DATA.npz", help="Data for activation ranges.")
@click.option(
    "--calibration",
    type=click.Choice(["mse", "percentile", "minmax"]),
    help="How ranges are chosen from the data; by default mse, the least mean squared error.",
)
@click.option(
    "-O",
    "opt_level",
    type=click.IntRange(0, 1),
    default=1,
    show_default=True,
    help="0: the paper's mapping and schedule; 1: all that leaves the integers equal.",
)
@_mapping
@click.option(
    "--stationary",
    type=click.Choice(["weights", "any"]),
    default="weights",
    show_default=True,
    help="What crossbars store of a layer: its weights, or, where that is faster, its inputs.",
)
@_crossbars
@click.option(
    "--schedule",
    type=click.Choice(["list", "optimal", "resident"]),
    help="How layers share several crossbars.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="The size of a symbolic batch.",
)
@click.option(
    "--format",
    "report_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The form of a report.",
)
@click.option(
    "--dump-ir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Writes NN-pass.mlir after every pass, and contents.md, which says what each has changed.",
)
@click.option(
    "--print-ir-after",
    multiple=True,
    metavar="PASS",
    help="Prints the IR after a pass to standard error; may be given several times.",
)
@click.option(
    "--check-each-pass",
    is_flag=True,
    help="Runs the IR after every pass; names the first that changes a number.",
)
@click.option(
    "--input",
    "check_input",
    type=click.Path(path_type=Path),
    metavar="X.npz",
    help="What --check-each-pass runs on; by default random numbers.",
)
@click.option(
    "--print-pipeline",
    is_flag=True,
    help="Prints the passes that would run, as cimc-opt takes them.",
)
def compile_command(**options: Any) -> None:
    """Compiles MODEL.onnx."""
    from cimc.tools.compile_command import CompileArguments, compile_main

    compile_main(CompileArguments(**options))


@cli.command("explain")
@click.argument("program", type=click.Path(path_type=Path))
@click.argument("layer")
def explain_command(program: Path, layer: str) -> None:
    """Explains one layer of PROGRAM.mlir, from the ONNX node to the crossbars, in words and numbers."""
    import sys

    from cimc.program import load
    from cimc.tools.console import console_for
    from cimc.tools.explain_text import print_explanation

    found = load(program).explain(layer)
    with console_for(sys.stdout) as console:
        print_explanation(found, console)


@cli.command("report")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="PAGE.html",
    help="Where to write the page.",
)
def report_command(files: tuple[Path, ...], output: Path) -> None:
    """Makes a page of FILES: programs (.mlir), reports as JSON, and results of cimc run on these programs."""
    from cimc.html.about import runs_in
    from cimc.html.page import page
    from cimc.tensor_store import check_output, write_text

    check_output(output, ".html")
    runs = runs_in(files)
    write_text(output, page(runs[0].label, runs))


@cli.command("diff")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
def diff_command(a: Path, b: Path) -> None:
    """Compares A and B, two programs or two reports as JSON, layer by layer."""
    import sys

    from cimc.comparison import costs_in
    from cimc.tools.console import console_for
    from cimc.tools.diff_text import print_comparison

    costs = costs_in(a), costs_in(b)
    with console_for(sys.stdout) as console:
        print_comparison(*costs, console)


_adc_bits = click.option(
    "--adc-bits", type=click.IntRange(2, 16), help="Overrides the target's ADCs, ideal by default."
)


@cli.command("run")
@click.argument("program", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "input_file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.npz",
    help="Arrays by the names of the graph's inputs; a single one may be `x`.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="Y.npz",
    help="Where to write the outputs, by name.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="R.json",
    help="Where to write how often chips were right, for cimc report.",
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path),
    metavar="MODEL.onnx",
    help="Compares the outputs with onnxruntime's on the same inputs.",
)
@_adc_bits
@click.option(
    "--noise",
    multiple=True,
    metavar="KEY=VALUE",
    help="Overrides what the target says of cells, such as read_noise=0.01; may be given several times.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is left to chance."
)
@click.option(
    "--trials",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    help="How many chips to draw; prints how their results are spread.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Processes that share the work.",
)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of each process."
)
def run_command(**options: Any) -> None:
    """Runs PROGRAM.mlir on the inputs of X.npz and prints the time that the chip would take."""
    from cimc.tools.run_command import RunArguments, run_main

    run_main(RunArguments(**options))


@cli.command("calibrate-adc")
@click.argument("program", type=click.Path(path_type=Path))
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.npz",
    help="Sample inputs, 128 pictures at most are used.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT.mlir",
    help="Where to write the program with its ADCs' ranges; weights lie beside it.",
)
@_adc_bits
@click.option(
    "--method",
    type=click.Choice(["mse", "percentile"]),
    default="mse",
    show_default=True,
    help="mse makes the squared error of products least, percentile holds so many percent of reads.",
)
@click.option("--percentile", type=float, default=99.99, show_default=True, help="How many percent.")
def calibrate_adc_command(**options: Any) -> None:
    """Chooses the range of each layer's ADCs from sample data."""
    from cimc.tools.calibrate_adc_command import CalibrateAdcArguments, calibrate_adc_main

    calibrate_adc_main(CalibrateAdcArguments(**options))


@cli.command("search")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DATA.npz",
    help="x_train, y_train; x_val, y_val to select with; x_test, y_test for accuracies to report.",
)
@click.option(
    "--max-drop",
    type=float,
    multiple=True,
    required=True,
    metavar="PERCENT",
    help="Points of top-1 that may be lost; several times for several budgets.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder for what is found, by default MODEL-search. What is there already is gone on from.",
)
@_target
@click.option(
    "-O",
    "opt_level",
    type=click.IntRange(0, 1),
    default=1,
    show_default=True,
    help="How the compiler will map the network, as for compiling.",
)
@_mapping
@_crossbars
@click.option(
    "--agent",
    type=click.Choice(["turns", "ppo", "thompson", "ddpg", "ilp", "greedy", "random"]),
    default="turns",
    show_default=True,
    help="Who proposes policies; turns are ppo and thompson on one model of the loss.",
)
@click.option(
    "--evaluations",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Policies that the agent proposes, for all budgets together; few more are compared with.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 0.999),
    default=0.8,
    show_default=True,
    help="With which what is found keeps to its budget.",
)
@click.option(
    "--sensitivity",
    type=click.Choice(["measured", "fisher"]),
    default="measured",
    show_default=True,
    help="What layers lose before anything is known: each width tried, or all from one pass of gradients.",
)
@click.option(
    "--weight-bits",
    default="all",
    show_default=True,
    metavar="multiples|pairs|all|4,8|...",
    help="Widths of weights: those that fill cells, or pairs of cells, all, or a list.",
)
@click.option(
    "--activation-bits",
    default="2-8",
    show_default=True,
    metavar="2-8|4,8|...",
    help="Widths of activations.",
)
@click.option("--edges-at-8-bits", is_flag=True, help="The first and the last layer keep 8 bits.")
@click.option(
    "--epochs",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    help="Of quantisation-aware training of the best; without, they are quantised as they are.",
)
@click.option("--rate", type=float, default=3e-4, show_default=True, help="The highest learning rate.")
@click.option(
    "--augment",
    type=click.Choice(["none", "shift", "flip", "shift-flip"]),
    default="none",
    show_default=True,
    help="What is done to pictures in training.",
)
@click.option(
    "--validation",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Pictures to select with: of x_val, or cut off those for training.",
)
@click.option(
    "--calibration",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Training pictures that ranges are found with.",
)
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes that evaluate."
)
@click.option("--ray", metavar="auto|ADDRESS", help="Evaluates in a Ray cluster instead of local processes.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
def search_command(**options: Any) -> None:
    """Finds the widths that make MODEL.onnx fastest for a loss of accuracy."""
    from cimc.tools.search_command import SearchArguments, search_main

    search_main(SearchArguments(**options))


def main() -> None:
    """Runs the tool; what the user got wrong is one message on standard error, and exit code 1."""
    from cimc.tools.failures import fail, one_message

    with one_message("cimc"):
        try:
            code = cli.main(standalone_mode=False)
        except click.ClickException as e:
            fail("cimc", e.format_message())
        except click.Abort:
            raise KeyboardInterrupt from None
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    main()

"""Pages of the reference, made from the code."""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import resources
from typing import Any, cast

import click
from xdsl.irdl import OpDef
from xdsl.passes import ModulePass

from cimc.dialects import get_all_cimc_dialects
from cimc.passes import get_all_cimc_passes
from cimc.target import built_in_targets
from cimc.tools.cimc_main import cli

COMMANDS = {"compile": "cimc MODEL.onnx"}
"""How commands are called that go by another name."""


def pages() -> Iterator[tuple[str, str]]:
    """Names and texts of the pages."""
    yield "command_line.md", command_line()
    yield "dialects.md", dialects()
    yield "passes.md", passes()
    yield "targets.md", targets()
    yield "python.md", python()


def command_line() -> str:
    """Each command with its options, as `--help` has them."""
    lines = ["# Every option", ""]
    for name, command in cli.commands.items():
        title = COMMANDS.get(name, f"cimc {name}")
        lines += [f"## `{title}`", "", str(command.help), "", "| option | default | |", "| --- | --- | --- |"]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                lines.append(_option(parameter))
        lines.append("")
    return "\n".join(lines)


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag else f" `{_values(option)}`"
    default = f"`{option.default}`" if option.show_default and not option.is_flag else ""
    return f"| {names}{metavar} | {default} | {option.help or ''} |"


def _values(option: click.Option) -> str:
    if option.metavar is not None:
        return option.metavar.replace("|", "\\|")
    if isinstance(option.type, click.Choice):
        return "\\|".join(map(str, option.type.choices))
    return option.type.name.upper()


def passes() -> str:
    """Each pass with its docstring and options."""
    lines = ["# Every pass", ""]
    for name, factory in sorted(get_all_cimc_passes().items()):
        pass_type = factory()
        lines += [f"## `{name}`", "", _doc(pass_type), ""]
        if options := list(_pass_options(pass_type)):
            lines += ["| option | type | default |", "| --- | --- | --- |", *options, ""]
    return "\n".join(lines)


def _pass_options(pass_type: type[ModulePass]) -> Iterator[str]:
    for field in fields(pass_type):
        default = "" if field.default is MISSING else f"`{field.default}`"
        kind = str(field.type).replace("|", "\\|")
        yield f"| `{field.name.replace('_', '-')}` | `{kind}` | {default} |"


def dialects() -> str:
    """Each op and attribute with its docstring and syntax."""
    lines = ["# Every op and attribute", ""]
    for name, factory in get_all_cimc_dialects().items():
        dialect = factory()
        lines += [f"## `{name}`", ""]
        for op in dialect.operations:
            definition: OpDef = cast(Any, op).get_irdl_definition()
            lines += [f"### `{op.name}`", "", _doc(op), "", *_definition(definition), ""]
        for attribute in dialect.attributes:
            lines += [
                f"### `{'#' if 'type' not in attribute.name else '!'}{attribute.name}`",
                "",
                _doc(attribute),
                "",
            ]
    return "\n".join(lines)


def _definition(definition: OpDef) -> list[str]:
    parts = {
        "operands": [name for name, _ in definition.operands],
        "results": [name for name, _ in definition.results],
        "attributes": [name for name in definition.properties if not name.endswith("SegmentSizes")],
    }
    lines = [
        f"- {kind}: {', '.join(f'`{name}`' for name in names)}" for kind, names in parts.items() if names
    ]
    if definition.assembly_format is not None:
        lines.append(f"- syntax: `{definition.assembly_format.replace('`', chr(39))}`")
    return lines


def targets() -> str:
    """The files of the targets that come with the package."""
    lines = ["# Built-in targets", "", "What the keys mean: [targets](../targets.md).", ""]
    for name in built_in_targets():
        text = resources.files("cimc.targets").joinpath(f"{name}.toml").read_text()
        lines += [f"## `{name}`", "", "```toml", text.strip(), "```", ""]
    return "\n".join(lines)


def python() -> str:
    """The public names of the package."""
    names = [
        *(
            "cimc.program.compile",
            "cimc.program.load",
            "cimc.program.Program",
            "cimc.precision_search.search",
        ),
        *(
            "cimc.report.Report",
            "cimc.advice.Advice",
            "cimc.explain.Explanation",
            "cimc.runtime.timeline.Timeline",
        ),
        *("cimc.target.Target", "cimc.target.load_target", "cimc.errors.CimcError"),
    ]
    return "# Python\n\n" + "\n".join(f"::: {name}\n" for name in names)


def _doc(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "")

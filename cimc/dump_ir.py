"""Writes the IR after every pass, and a table of contents that says what each pass has changed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from cimc.driver import Observer
from cimc.errors import CimcError
from cimc.ir_files import print_module

CONTENTS = "contents.md"
SIZES = "SegmentSizes"
"""Of operands and results: how many there are is of no interest here."""
HEAD = "| file | pass | ms | ops | what changed |\n| --- | --- | ---: | ---: | --- |\n"


def dump_ir(folder: Path) -> Observer:
    """Writes `NN-pass.mlir` after every pass, `00-import.mlir` before the first, and `contents.md`.

    Raises `CimcError` if the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise CimcError(f"{folder}: cannot be made: {e.strerror}") from None
    return _Dump(folder)


class _Dump:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: list[str] = []
        self._before: _Summary = {}
        self._started = perf_counter()

    def __call__(self, done: ModulePass | None, module: ModuleOp) -> None:
        ms = 1000 * (perf_counter() - self._started)
        file = f"{len(self._lines):02}-{done.name if done else 'import'}.mlir"
        (self._folder / file).write_text(print_module(module), encoding="utf-8")
        summary = _summary(module)
        count = sum(map(len, summary.values()))
        if done is None:
            line = f"| [{file}]({file}) | | | {count} | |\n"
        else:
            changes = ", ".join(_changes(self._before, summary)) or "nothing"
            line = f"| [{file}]({file}) | `{done.pipeline_pass_spec()}` | {ms:.1f} | {count} | {changes} |\n"
        self._lines.append(line)
        (self._folder / CONTENTS).write_text(HEAD + "".join(self._lines), encoding="utf-8")
        self._before = summary
        self._started = perf_counter()


_Summary: TypeAlias = dict[str, list[dict[str, Attribute]]]
"""The properties of all ops of a kind, in their order."""


def _summary(module: ModuleOp) -> _Summary:
    found: _Summary = {}
    for op in module.walk():
        said = {**op.properties, **op.attributes}
        found.setdefault(op.name, []).append({k: v for k, v in said.items() if not k.endswith(SIZES)})
    return found


def _changes(before: _Summary, after: _Summary) -> Iterator[str]:
    """Ops that there are more or less of; of others, the properties that have changed."""
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, []), after.get(name, [])
        if len(old) != len(new):
            yield f"{len(new) - len(old):+d} {name}"
            continue
        changed = Counter(
            key
            for a, b in zip(old, new, strict=True)
            for key in dict.fromkeys((*a, *b))
            if a.get(key) != b.get(key)
        )
        yield from (f"{key} of {count} {name}" for key, count in changed.items())

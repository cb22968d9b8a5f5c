"""Each pass has its file, its FileCheck test and its section in the docs, all of the same name."""

import inspect
import re
from pathlib import Path

import pytest

from cimc.context import new_context
from cimc.driver import run_pipeline
from cimc.ir_files import parse_module, print_module
from cimc.passes import PASSES, get_all_cimc_passes
from cimc.pipelines import STAGES, Options, pipeline

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "passes.md").read_text()

_EXAMPLE = re.compile(r"`-p '([^']*)'`\n\n```mlir\n(.*?)```\n\nbecomes\n\n```mlir\n(.*?)```", re.DOTALL)
"""The passes, and the IR before and after them."""


def test_passes_are_sorted_and_unique() -> None:
    assert list(PASSES) == sorted(set(PASSES))


def test_no_file_check_test_without_a_pass() -> None:
    tests = {path.stem for path in (ROOT / "tests" / "filecheck" / "passes").glob("*.mlir")}
    assert tests == {name.replace("-", "_") for name in PASSES}


def test_all_passes_of_the_stages_are_known() -> None:
    options = Options(policy="p", calibrate="d")
    for stage in STAGES:
        names = re.sub(r"{[^}]*}", "", pipeline(stage, options)).split(",")
        assert set(names) <= set(PASSES)


@pytest.mark.parametrize("name", PASSES)
def test_pass(name: str) -> None:
    cls = get_all_cimc_passes()[name]()
    assert cls.name == name
    assert Path(inspect.getfile(cls)) == ROOT / "cimc" / "passes" / f"{name.replace('-', '_')}.py"


@pytest.mark.parametrize("name", PASSES)
def test_docstring_shows_ir_before_and_after(name: str) -> None:
    docstring = inspect.getdoc(get_all_cimc_passes()[name]()) or ""
    before, after = re.findall(r"```mlir\n.*?```", docstring, re.DOTALL)
    assert before != after
    assert re.search(r"```\nbecomes.*?\n```mlir", docstring, re.DOTALL)


@pytest.mark.parametrize("name", PASSES)
def test_example_in_the_docs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # paths in the docs are from there
    match = _EXAMPLE.search(_section(name))
    assert match is not None, "docs/passes.md has no example of this pass"
    spec, before, after = match.groups()
    assert name in re.split("[,{]", spec)
    ctx = new_context()
    module = parse_module(ctx, before, name)
    run_pipeline(ctx, module, spec)
    lines = [line.strip() for line in print_module(module).splitlines() if line.strip()]
    if not after.startswith("builtin.module"):
        lines = lines[1:-1]
    assert [line.strip() for line in after.splitlines()] == lines


@pytest.mark.parametrize("name", PASSES)
def test_options_are_documented(name: str) -> None:
    cls = get_all_cimc_passes()[name]()
    docstring = inspect.getdoc(cls) or ""
    for option in (p.replace("_", "-") for p in inspect.signature(cls).parameters):
        assert f"`{option}`" in docstring
        assert f"`{option}`" in _section(name)


def _section(name: str) -> str:
    section = re.search(rf"^## `{name}`\n(.*?)(?=^## |\Z)", DOCS, re.DOTALL | re.MULTILINE)
    assert section is not None, f"docs/passes.md has no section on {name}"
    return section[1]

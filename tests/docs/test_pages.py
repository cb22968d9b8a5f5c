"""What the documentation tells its readers to type works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = DOCS.parent / "examples" / "notebooks"
TITLED = re.compile(r'```python title="([\w.]+)"\n(.*?)```', re.DOTALL)
SHELL = re.compile(r"```shell\n(.*?)```", re.DOTALL)


def run(command: str, folder: Path) -> str:
    """What a shell prints that finds our tools first. It stops at the first command that fails."""
    tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": tools},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial's folder, with all that it makes."""
    for package in ("torch", "onnxscript", "onnxruntime", "plotly", "torchrl"):
        pytest.importorskip(package, reason="the tutorial needs pip install 'cimc[search,compare,html]'")
    path: Path = tmp_path_factory.mktemp("tutorial")
    text = (DOCS / "tutorial.md").read_text()
    for name, code in TITLED.findall(text):
        (path / name).write_text(code)
    commands = SHELL.findall(text)
    assert len(commands) == 7
    (path / "printed.txt").write_text(run("".join(commands), path))
    return path


def test_the_tutorial_leads_to_a_faster_program(folder: Path) -> None:
    printed = (folder / "printed.txt").read_text()
    accuracies = re.findall(r"^accuracy: ([\d.]+) % of 1000 pictures", printed, re.MULTILINE)
    four_bits, found = map(float, accuracies)
    assert four_bits > 90
    assert found > 90
    (latency,) = re.findall(r"^\(latency\) +([\d.]+) +([\d.]+) ", printed, re.MULTILINE)
    assert float(latency[1]) < float(latency[0])
    for name in ("stripes.html", "stripes.json", "found/report.md"):
        assert (folder / name).stat().st_size > 500


def test_an_example_of_a_pass_does_what_it_says(folder: Path) -> None:
    ((name, code),) = TITLED.findall((DOCS / "howto" / "own_pass.md").read_text())
    (folder / name).write_text(code)
    assert run(f"python {name}", folder) == "{'0': 8, '3': 8, '6': 4, '10': 8}\n"


@pytest.mark.parametrize(
    "path", sorted((DOCS.parent / "examples" / "notebooks").glob("*.py")), ids=lambda p: p.stem
)
def test_notebooks_run(path: Path, tmp_path: Path) -> None:
    assert len(run(f"python {path}", tmp_path).splitlines()) > 3

"""What a shell is told when the user presses the tab key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("cimc se", ["search"]),
        ("cimc model.onnx --em", ["--emit"]),
        ("cimc model.onnx --mapping any --emit r", ["report"]),
        ("cimc model.onnx --target rram-256x256-", ["rram-256x256-c1", "rram-256x256-c2", "rram-256x256-c4"]),
        ("cimc run program.mlir --no", ["--noise"]),
        ("cimc search model.onnx --agent th", ["thompson"]),
    ],
)
def test_commands_options_and_values_are_completed(words: str, completed: list[str]) -> None:
    tool = Path(sys.executable).with_name("cimc")
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [tool],
        env={**os.environ, **environment, "_CIMC_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == completed

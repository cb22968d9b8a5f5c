"""Files that cannot be written to their end, as on a full disk: one message names them; nothing is left."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cimc

MODEL = Path(__file__).parents[2] / "examples" / "models" / "fashion_mixed_qcdq.onnx"
KIB = 1024


def limited(size: int, *command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A tool in a process whose files may have so many bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python does: writing fails instead

    module, *arguments = command
    return subprocess.run(
        [sys.executable, "-m", f"cimc.tools.{module}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


@pytest.mark.parametrize(
    ("size", "command", "file"),
    [
        (4 * KIB, "cimc_main MODEL -o out.mlir", "out.mlir"),
        (100 * KIB, "cimc_main MODEL -o out.mlir", "out.safetensors"),
        (4 * KIB, "cimc_main MODEL --emit=report --format=json -o out.json", "out.json"),
        (4 * KIB, "cimc_main MODEL --emit=trace -o out.json", "out.json"),
        (4 * KIB, "cimc_main MODEL --emit=html -o out.html", "out.html"),
        (4 * KIB, "opt_main kept.mlir -o out.mlir", "out.mlir"),
        (4 * KIB, "cimc_main run kept.mlir --input many.npz -o out.npz", "out.npz"),
    ],
)
def test_nothing_half_written_is_left(size: int, command: str, file: str, tmp_path: Path) -> None:
    cimc.compile(MODEL, batch=200).save(tmp_path / "kept.mlir")
    np.savez(tmp_path / "many.npz", x=np.zeros((200, 1, 28, 28), np.float32))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = limited(size, *(MODEL if part == "MODEL" else part for part in command.split()), folder=tmp_path)
    assert done.returncode == 1
    tool = "cimc-opt" if command.startswith("opt") else "cimc"
    assert done.stderr.splitlines() == [f"{tool}: error: {file}: cannot be written: File too large"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

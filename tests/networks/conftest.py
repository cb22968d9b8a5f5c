"""Where real networks and data come from: exported by torch, or in a folder that the user has."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def in_shared(name: str) -> Path:
    """A file of `$CIMC_SHARED`, by default the folder `shared` beside the repository, or a skip."""
    path = Path(os.environ.get("CIMC_SHARED", ROOT.parent / "shared")) / name
    if not path.exists():
        pytest.skip(f"{path} is absent; CIMC_SHARED names its folder")
    return path


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Gives the path of a file that does not belong to the project, and skips where it is absent."""
    return in_shared


@pytest.fixture(scope="session")
def exported() -> Callable[[str, str], Path]:
    """Gives a network of `examples/networks.py` as ONNX, by name and exporter; it is made once."""

    def get(network: str, exporter: str) -> Path:
        for package in ("torch", "onnxscript"):
            pytest.importorskip(package)
        sources = b"".join((EXAMPLES / name).read_bytes() for name in ("networks.py", "export.py"))
        folder = ROOT / ".cache" / "onnx-test"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{network}-{exporter}-{hashlib.sha256(sources).hexdigest()[:8]}.onnx"
        if not path.exists():
            for old in folder.glob(f"{network}-{exporter}-*.onnx"):
                old.unlink(missing_ok=True)
            # Another process may be making the same; in a process of its own torch frees its memory.
            part = path.with_suffix(f".{os.getpid()}.part")
            command = [sys.executable, EXAMPLES / "export.py", network, part, "--exporter", exporter]
            subprocess.run(command, check=True, capture_output=True)
            part.rename(path)
        return path

    return get

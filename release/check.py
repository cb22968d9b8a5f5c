"""Installs the package as users do, on each Python there is, and compares what it writes.

    python release/check.py [PYTHON...]

builds an sdist, a wheel from it, and for each Python, by default 3.11, 3.12 and 3.13 as far as they are
installed, a clean environment with that wheel and the newest versions of what it needs; for the first, one
with the oldest versions, too. There, every kind of output of a shipped model is written; they must be the
same bytes everywhere.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

PYTHONS = ("python3.11", "python3.12", "python3.13")
ROOT = Path(__file__).parents[1]
MODEL = ROOT / "examples" / "models" / "fashion_mixed_qcdq.onnx"
COMMANDS = {
    "program.mlir": [],
    "paper.mlir": ["-O0"],
    "any.mlir": ["--mapping", "any", "--crossbars", "3"],
    "cim.mlir": ["--emit", "cim"],
    "onnx.mlir": ["--emit", "onnx"],
    "report.json": ["--emit", "report", "--format", "json"],
    "report.txt": ["--emit", "report"],
    "trace.json": ["--emit", "trace"],
}


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints. Ends the script with its errors if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def path_of(python: str) -> str | None:
    """The path of a Python, on the PATH or among those of pyenv, or None."""
    of_pyenv = Path.home().glob(f".pyenv/versions/*/bin/{python}")
    for path in (shutil.which(python), *map(str, sorted(of_pyenv))):
        if path and not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode:
            return path
    return None


def built(folder: Path) -> Path:
    """A wheel that was built from an sdist."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def oldest() -> list[str]:
    """The oldest versions of the compiler's dependencies that the package takes, as pip takes them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(text) for text in project["dependencies"]]
    bounds = [(r.name, s.version) for r in requirements for s in r.specifier if s.operator in (">=", "~=")]
    return [f"{name}=={version}.*" for name, version in bounds]


def digests(python: str, wheel: Path, folder: Path, versions: Sequence[str] = ()) -> dict[str, str]:
    """Installs the wheel for a Python, and gives the digests of what `cimc` writes there."""
    run(python, "-m", "venv", folder / "venv", folder=folder)
    tools = folder / "venv" / "bin"
    run(tools / "pip", "install", "--quiet", wheel, *versions, folder=folder)
    run(tools / "python", "-c", "import cimc; assert not hasattr(cimc, 'torch')", folder=folder)
    for name, options in COMMANDS.items():
        run(tools / "cimc", MODEL, *options, "-o", name, folder=folder)
    run(tools / "cimc-opt", "program.mlir", "-o", "again.mlir", folder=folder)
    run(tools / "cimc", "diff", "program.mlir", "report.json", folder=folder)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    print(f"{python}: {len(files)} files, {run(tools / 'cimc', '--version', folder=folder).strip()}")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> None:
    pythons = sys.argv[1:] or [path for path in map(path_of, PYTHONS) if path]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "dist").mkdir()
        wheel = built(folder / "dist")
        found: dict[str, dict[str, str]] = {}
        environments: list[tuple[str, str, list[str]]] = [(python, python, []) for python in pythons]
        environments.append((f"{pythons[0]}, oldest versions", pythons[0], oldest()))
        for number, (name, python, versions) in enumerate(environments):
            place = folder / str(number)
            place.mkdir()
            found[name] = digests(python, wheel, place, versions)
    first, *others = found.items()
    for python, files in others:
        different = sorted(name for name in first[1] if files.get(name) != first[1][name])
        if different or files.keys() != first[1].keys():
            sys.exit(f"{python} writes other bytes than {first[0]}: {', '.join(different)}")
    print(f"the same bytes by {', '.join(found)}")


if __name__ == "__main__":
    main()

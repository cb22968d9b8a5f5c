"""Coverage-guided fuzzing of what reads files, with atheris: `make fuzz`.

    python tests/coverage_guided.py ir|onnx [SECONDS]

Inputs that reach new code are kept in `.cache/fuzz/ir` or `onnx`, and mutated further the next time; what
fails is written beside them as `crash-...`, and ends the run. Only `CimcError` may be raised.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import atheris as untyped_atheris

atheris = cast(Any, untyped_atheris)
with atheris.instrument_imports(include=["cimc", "xdsl.parser", "xdsl.utils"]):
    from tools.tiny_models import MODELS, serialized
    from xdsl.passes import PassPipeline
    from xdsl.utils.exceptions import DiagnosticException

    from cimc import limits
    from cimc.context import new_context
    from cimc.errors import CimcError
    from cimc.frontend.importer import import_onnx
    from cimc.interpreters.execute import execute
    from cimc.ir_files import parse_module, print_module
    from cimc.main_function import main_function
    from cimc.passes import get_all_cimc_passes
    from cimc.random_inputs import random_inputs

ROOT = Path(__file__).parents[1]
LONGEST = 16_384
"""Bytes of an input."""


def read_ir(data: bytes) -> None:
    """Text that is a module prints, and reads back the same."""
    try:
        module = parse_module(new_context(), data.decode("utf-8", "replace"), "fuzzed")
    except CimcError:
        return
    text = print_module(module)
    assert print_module(parse_module(new_context(), text, "printed")) == text


def read_onnx(data: bytes) -> None:
    """A model imports and runs, or says why not."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        Path(file.name).write_bytes(data)
        try:
            ctx = new_context()
            module = import_onnx(Path(file.name), ctx.tensors, 1)
            passes = PassPipeline.parse_spec(get_all_cimc_passes(), "onnx-fold-constants")
            passes.apply(ctx, module)
            execute(module, ctx.tensors, random_inputs(main_function(module)))
        except (CimcError, DiagnosticException):
            return


def ir_seeds() -> list[bytes]:
    """Each piece of our FileCheck tests."""
    files = sorted((ROOT / "tests" / "filecheck").rglob("*.mlir"))
    return [piece.encode() for file in files for piece in file.read_text().split("// -----")]


def onnx_seeds() -> list[bytes]:
    """The small models that other tests begin with."""
    return [serialized(build()) for build in MODELS.values()]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "ir": (read_ir, ir_seeds),
    "onnx": (read_onnx, onnx_seeds),
}


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    target, seeds = TARGETS[name]
    folder = ROOT / ".cache" / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    limits.MAX_ELEMENTS, limits.MAX_WINDOW = 1 << 20, 1 << 10
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], str(folder), f"-artifact_prefix={folder}/", *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

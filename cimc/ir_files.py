"""IR in files: text in `NAME.mlir`, arrays in `NAME.safetensors` beside it."""

from io import StringIO
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.printer import Printer
from xdsl.utils.exceptions import DiagnosticException, ParseError

from cimc.checks import verify
from cimc.context import CimcContext
from cimc.dialects.weights import LoadOp
from cimc.dialects.xbar import MvmOp, WriteOp
from cimc.errors import CimcError
from cimc.interpreters.weights import loaded_array
from cimc.ir_parser import IRParser
from cimc.locations import names_of
from cimc.tensor_store import atomic_path, digest
from cimc.xdsl_errors import check_text, ir_error, parsing

SHARED_WEIGHTS = "weights.safetensors"
"""The arrays of all `.mlir` files of a folder that have no file of their own, as `--dump-ir` makes."""


def print_module(module: ModuleOp) -> str:
    """The text of a module, with the names of ONNX nodes as locations."""
    stream = StringIO()
    printer = _NamingPrinter(stream)
    printer.print_op(module)
    printer.print_metadata([])
    return stream.getvalue() + "\n"


class _NamingPrinter(Printer):
    """Prints the locations of ops that come from a node of the model.

    Writes and products of tiles say of which layer they are; there are thousands, and each location would be
    parsed again.
    """

    def print_op(self, op: Operation) -> None:
        before = self.print_debuginfo
        self.print_debuginfo = bool(names_of(op)) and not isinstance(op, WriteOp | MvmOp)
        super().print_op(op)
        self.print_debuginfo = before


def save_module(ctx: CimcContext, module: ModuleOp, path: Path) -> None:
    """Writes a module and the arrays that it names, with digests. Either both files are written or none."""
    from cimc.passes.weights_digest import WeightsDigestPass

    WeightsDigestPass().apply(ctx, module)
    names = {op.key for op in module.walk() if isinstance(op, LoadOp)}
    with atomic_path(path) as temporary:
        temporary.write_text(print_module(module), encoding="utf-8")
        ctx.tensors.save(path.with_suffix(".safetensors"), names)


def load_module(ctx: CimcContext, path: Path) -> ModuleOp:
    """Reads a module and its arrays. Raises `CimcError` if it is not valid or an array does not match."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise CimcError(f"{path}: cannot be read: {e}") from None
    load_weights(ctx, path)
    module = parse_module(ctx, text, str(path))
    for op in module.walk():
        if isinstance(op, LoadOp):
            array = loaded_array(op, ctx.tensors)
            if op.digest is not None and digest(array) != op.digest.data:
                raise CimcError(
                    f"{path}: the weights {op.key!r} do not match the digest {op.digest.data}: "
                    "the .safetensors file is not the one this program was written with"
                )
    return module


def load_weights(ctx: CimcContext, path: Path) -> None:
    """Adds the arrays that lie beside a `.mlir` file, if there are any."""
    for candidate in (path.with_suffix(".safetensors"), path.parent / SHARED_WEIGHTS):
        if candidate.is_file():
            ctx.tensors.load(candidate)
            return


def parse_module(ctx: CimcContext, text: str, label: str) -> ModuleOp:
    """A verified module from text. Raises `CimcError` if it is not valid."""
    check_text(text, label)
    try:
        with parsing(label):
            module = IRParser(ctx, text, label).parse_module()
            verify(module)
    except (ParseError, DiagnosticException) as e:
        raise ir_error(label, e) from None
    return module

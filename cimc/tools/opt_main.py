"""`cimc-opt`: like mlir-opt, with our dialects and passes beside xDSL's own."""

import argparse
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.xdsl_opt_main import xDSLOptMain

from cimc.dialects import get_all_cimc_dialects
from cimc.errors import CimcError, first_line
from cimc.passes import get_all_cimc_passes
from cimc.tools.expected_errors import MARK, Error, expected_errors, unmet
from cimc.tools.failures import fail, one_message

if TYPE_CHECKING:
    from cimc.tools.line_parser import LineParser


class CimcOptMain(xDSLOptMain):
    """xDSL's driver with our dialects, passes and weights. `FILE.safetensors` is read beside `FILE.mlir`."""

    parser: "LineParser"
    """Of the piece of the file that is looked at."""
    expects: bool
    """Whether comments say what errors there must be."""
    expected: list[Error]
    """Of the piece of the file that is looked at."""
    offset: int
    """Lines of the file before that piece."""

    def register_all_dialects(self) -> None:
        from cimc.context import CimcContext

        self.ctx = CimcContext()  # xDSLOptMain.__init__ has just made a plain Context
        super().register_all_dialects()
        for name, factory in get_all_cimc_dialects().items():
            self.ctx.register_dialect(name, factory)

    def register_all_passes(self) -> None:
        super().register_all_passes()
        for name, factory in get_all_cimc_passes().items():
            self.register_pass(name, factory)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        arg_parser.add_argument(
            "--check-each-pass",
            action="store_true",
            help="run the IR after every pass, and name the first one that changes a number",
        )
        arg_parser.add_argument(
            "--input",
            dest="check_input",
            type=Path,
            metavar="X.npz",
            help="what --check-each-pass runs on, by default random numbers",
        )
        # argparse would print its usage, all our passes among it, and exit with 2.
        arg_parser.error = lambda message: fail("cimc-opt", f"{message}; see cimc-opt --help")

    def setup_pipeline(self) -> None:
        from cimc.xdsl_errors import parsing_pipeline

        with parsing_pipeline():
            super().setup_pipeline()

    def register_all_frontends(self) -> None:
        super().register_all_frontends()

        def parse_mlir(io: IO[bytes]) -> ModuleOp:
            from cimc.tools.line_parser import LineParser

            self.parser = LineParser(self.ctx, io.read().decode("utf-8"), self.get_input_name())
            return self.parser.parse_module(not self.args.no_implicit_module)

        self.available_frontends["mlir"] = parse_mlir

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        try:
            chunks, extension = super().prepare_input()
            pieces: list[tuple[bytes, int]] = []
            for chunk, offset in chunks:
                with chunk:
                    pieces.append((chunk.read(), offset))
        except ValueError as e:
            raise CimcError(f"{self.get_input_name()}: {e}") from None
        self.expects = self.args.verify_diagnostics and any(MARK.encode() in piece for piece, _ in pieces)
        return [(BytesIO(piece), offset) for piece, offset in pieces], extension

    def parse_chunk(self, chunk: IO[bytes], file_extension: str, start_offset: int = 0) -> ModuleOp | None:
        from xdsl.utils.exceptions import ParseError

        from cimc.xdsl_errors import check_text, line_of, parsing

        data = chunk.read()
        text = data.decode("utf-8", "replace")
        check_text(text, self.get_input_name())
        self.expected, self.offset = expected_errors(text, start_offset), start_offset
        try:
            with parsing(self.get_input_name()):
                return super().parse_chunk(BytesIO(data), file_extension, start_offset)
        except ParseError as e:
            if not self.expects:
                raise
            self._check_expected(Error(first_line(e.msg), start_offset + line_of(e)))
            return None

    def _check_expected(self, found: Error | None) -> None:
        """Raises `CimcError` if a piece of the file gave another error than its comments say."""
        if problems := unmet(self.expected, found):
            raise CimcError(f"{self.get_input_name()}: {'; '.join(problems)}")

    def apply_passes(self, prog: ModuleOp) -> None:
        """Applies the passes; with comments that say what error they must give, that is checked."""
        from xdsl.utils.exceptions import DiagnosticException

        from cimc.checks import InvalidOp

        if not self.expects:
            self._apply(prog)
            return
        try:
            self._apply(prog)
        except DiagnosticException as e:
            line = self.parser.line_of(e.op) if isinstance(e, InvalidOp) else None
            self._check_expected(Error(first_line(e), None if line is None else self.offset + line))
            raise  # as --verify-diagnostics, xDSL's driver prints it and goes on
        self._check_expected(None)

    def _apply(self, prog: ModuleOp) -> None:
        """Applies the passes; what they refuse is a diagnostic, as what the verifier refuses is."""
        from xdsl.utils.exceptions import DiagnosticException

        from cimc.checks import check_module, verify

        try:
            if not self.args.disable_verify:
                verify(prog)
            with np.errstate(all="ignore"):
                self._checked_pipeline(prog).apply(self.ctx, prog)
            if not self.args.disable_verify:
                check_module(prog)
        except CimcError as e:
            raise DiagnosticException(str(e)) from None
        except DiagnosticException:
            if not self.args.disable_verify:
                verify(prog)  # it names the op if that is what is wrong
            raise

    def _checked_pipeline(self, prog: ModuleOp) -> PassPipeline:
        """The pipeline, whose passes are checked if the user wants it."""
        if not self.args.check_each_pass:
            return self.pipeline
        from cimc.check_each_pass import check_each_pass
        from cimc.context import cimc_context
        from cimc.data import inputs_for
        from cimc.main_function import main_function
        from cimc.runtime.npz import load_npz

        file, inputs, before = self.args.check_input, None, self.pipeline.callback
        if file is not None:
            inputs = inputs_for(main_function(prog), load_npz(file), str(file))
        check = check_each_pass(cimc_context(self.ctx), inputs)

        def callback(done: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
            if before is not None:
                before(done, module, following)
            check(done, module)

        return PassPipeline(self.pipeline.passes, callback)

    def run(self) -> None:
        """Reads the weights beside the input, then does what xDSL's driver does.

        An output file is written as a whole or not at all.
        """
        from cimc.context import cimc_context
        from cimc.ir_files import load_weights
        from cimc.tensor_store import atomic_path

        if self.args.input_file is not None:
            if Path(self.args.input_file).is_dir():
                raise CimcError(f"{self.args.input_file}: is a folder, not a file of IR")
            load_weights(cimc_context(self.ctx), Path(self.args.input_file))
        if self.args.output_file is None:
            super().run()
            return
        with atomic_path(Path(self.args.output_file)) as temporary:
            self.args.output_file = str(temporary)
            super().run()


def main() -> None:
    """Runs the tool; what the user got wrong is one message on standard error, and exit code 1."""
    from xdsl.utils.exceptions import DiagnosticException, ParseError

    from cimc.xdsl_errors import ir_error

    with one_message("cimc-opt"):
        tool = CimcOptMain("cimc optimizer driver")
        try:
            tool.run()
        except (ParseError, DiagnosticException) as e:
            raise ir_error(tool.get_input_name(), e) from None


if __name__ == "__main__":
    main()

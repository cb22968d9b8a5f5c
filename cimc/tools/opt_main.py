"""`cimc-opt`: like mlir-opt, with our dialects and passes beside xDSL's own."""

import sys
from pathlib import Path

from xdsl.xdsl_opt_main import xDSLOptMain

from cimc.dialects import get_all_cimc_dialects
from cimc.passes import get_all_cimc_passes


class CimcOptMain(xDSLOptMain):
    """xDSL's driver with our dialects, passes and weights. `FILE.safetensors` is read beside `FILE.mlir`."""

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

    def run(self) -> None:
        """Reads the weights beside the input, then does what xDSL's driver does."""
        from cimc.context import cimc_context
        from cimc.ir_files import load_weights

        if self.args.input_file is not None:
            load_weights(cimc_context(self.ctx), Path(self.args.input_file))
        super().run()


def main() -> None:
    """Runs the tool; what the user got wrong is one message on standard error, and exit code 1."""
    from xdsl.utils.exceptions import DiagnosticException, ParseError

    from cimc.errors import CimcError

    try:
        CimcOptMain("cimc optimizer driver").run()
    except (CimcError, DiagnosticException, ParseError, ValueError, OSError) as e:
        print(f"cimc-opt: error: {e}", file=sys.stderr)
        raise SystemExit(1) from None
    except BaseException as e:
        if type(e).__name__ != "ArgSpecParseError":  # xDSL derives it from BaseException
            raise
        print(f"cimc-opt: error: {e}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()

"""xDSL's interactive application on our dialects and passes."""

from pathlib import Path

from xdsl.context import Context
from xdsl.interactive import app, get_all_available_passes
from xdsl.interactive.passes import AvailablePass
from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes
from xdsl.utils.exceptions import DiagnosticException

from cimc.context import CimcContext, new_context
from cimc.errors import CimcError
from cimc.ir_files import load_weights
from cimc.ir_parser import IRParser
from cimc.passes import get_all_cimc_passes

UPSTREAM = ("canonicalize", "cse", "dce")
"""Passes of xDSL that have something to do on our IR."""


class CimcApp(app.InputApp):
    """Applies passes to the text of a module; arrays that it names lie beside the file it came from."""

    TITLE = "cimc"
    CSS_PATH = Path(app.__file__).with_name("app.tcss")  # would be looked for beside this file

    def __init__(self, file: Path | None, pipeline: tuple[ModulePass, ...] = ()) -> None:
        text = None
        if file is not None:
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as e:
                raise CimcError(f"{file}: cannot be read: {e}") from None
        self._arrays = Path(), new_context()
        upstream = get_all_passes()
        passes = {**get_all_cimc_passes(), **{name: upstream[name] for name in UPSTREAM}}
        types = tuple((name, passes[name]()) for name in sorted(passes))
        super().__init__((), types, None if file is None else str(file), text, pipeline)
        self._read_as_we_do()

    def _read_as_we_do(self) -> None:
        """Lets the application make contexts that hold arrays, and parse what we print: two of its modules
        name what does that."""

        def new(_: object) -> Context:
            return self._context_with_weights()

        for module in (app, get_all_available_passes):
            vars(module).update(get_new_registered_context=new, Parser=IRParser)

    def _context_with_weights(self) -> CimcContext:
        """A new context with the arrays beside the file that is open."""
        path = Path(self.current_file_path)
        if path != self._arrays[0]:
            context = new_context()
            load_weights(context, path)
            self._arrays = path, context
        return self._arrays[1].clone()

    def compute_available_pass_list(self) -> tuple[AvailablePass, ...]:
        """What can follow; nothing can where a chosen pass has refused, as the output says."""
        try:
            return super().compute_available_pass_list()
        except (CimcError, DiagnosticException):
            return ()

"""Runs the tools in this process, as a shell would see them."""

import io
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from cimc.tools import cimc_main, opt_main


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code, both outputs, and warnings that it gave."""

    code: int | str | None
    out: str
    err: str
    warnings: list[str] = field(default_factory=list[str])

    @property
    def fault(self) -> str | None:
        """What breaks the contract: success in silence, or exit code 1 with one message."""
        if self.warnings:
            return f"warning: {self.warnings[0]}"
        if "internal error" in self.err or "not enough memory" in self.err or "Traceback" in self.err:
            return self.err
        if self.code in (0, None):
            return None if not self.err else f"success, but with {self.err!r}"
        lines = self.err.splitlines()
        if (
            self.code != 1
            or len(lines) != 1
            or not lines[0].startswith(("cimc: error: ", "cimc-opt: error: "))
        ):
            return f"exit code {self.code} with {self.err!r}"
        if len(lines[0].split("error: ", 1)[1]) < 8:
            return f"no clear message: {self.err!r}"
        return None


def run(main: Callable[[], None], arguments: Sequence[str | Path]) -> Outcome:
    """The outcome of a tool's `main`. Exceptions that `main` lets through are let through."""
    out, err = io.StringIO(), io.StringIO()
    code: int | str | None = 0
    with (
        patch.object(sys, "argv", ["tool", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            main()
        except SystemExit as e:
            code = e.code
    return Outcome(code, out.getvalue(), err.getvalue(), [str(w.message) for w in caught])


def cimc(*arguments: str | Path) -> Outcome:
    """The outcome of `cimc ARGUMENTS`."""
    return run(cimc_main.main, arguments)


def cimc_opt(*arguments: str | Path) -> Outcome:
    """The outcome of `cimc-opt ARGUMENTS`."""
    return run(opt_main.main, arguments)

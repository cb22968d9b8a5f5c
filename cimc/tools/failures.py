"""What the tools do when something fails: one message on standard error and an exit code, no traceback."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

from cimc.errors import CimcError, first_line

LONGEST = 2000
"""Characters of a message; what a broken file holds may be of any length."""


@contextmanager
def one_message(tool: str) -> Generator[None]:
    """A context in which errors end the process: 1 for whatever was wrong, 130 for an interruption."""
    try:
        yield
        sys.stdout.flush()
    except CimcError as e:
        fail(tool, str(e))
    except KeyboardInterrupt:
        print(f"{tool}: interrupted; nothing half written is left", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        _silence_output()  # the reader of our output has gone, as with `| head`
        raise SystemExit(1) from None
    except MemoryError:
        fail(tool, "not enough memory; try a smaller batch or a smaller network")
    except OSError as e:
        where = f"{e.filename}: " if e.filename else ""
        fail(tool, f"{where}{e.strerror or first_line(e)}")
    except Exception as e:  # the last resort: no input should lead here, the fuzz tests see to that
        fail(tool, f"internal error: {type(e).__name__}: {first_line(e)}; {_place(e)}please report it")


def fail(tool: str, message: str) -> NoReturn:
    """Prints a message as one line and ends the process. What would steer a terminal becomes a `?`."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
    if len(line) > LONGEST:
        line = f"{line[:LONGEST]} ..."
    print(f"{tool}: error: {line}", file=sys.stderr)
    raise SystemExit(1) from None


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"in {trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}; "


def _silence_output() -> None:
    """Keeps Python from flushing what is left in the buffer into the closed pipe when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stderr.close()

"""Errors of execution that name what could not be executed."""

from collections.abc import Generator
from contextlib import contextmanager

from xdsl.ir import Operation
from xdsl.utils.exceptions import InterpretationError

from cimc.errors import CimcError, first_line
from cimc.locations import node_of


@contextmanager
def naming(op: Operation) -> Generator[None]:
    """A context that executes an op; errors become `CimcError` and name it, or the node it comes from."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, InterpretationError) as e:
        raise CimcError(f"{node_of(op)}: cannot be executed: {first_line(e)}") from None
    except MemoryError:
        raise CimcError(f"{node_of(op)}: not enough memory to execute it") from None
    except RecursionError:
        raise CimcError(f"{node_of(op)}: functions call each other without end") from None

"""Progress on standard error, where that is a terminal."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.driver import Observer


@contextmanager
def show_passes(label: str) -> Generator[Observer]:
    """Gives an observer that shows which pass has ended last."""
    if not sys.stderr.isatty():
        yield lambda done, module: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(f"{escape(label)}: import") as status:

        def observe(done: ModulePass | None, module: ModuleOp) -> None:
            status.update(f"{escape(label)}: {done.name if done else 'import'} done")

        yield observe


@contextmanager
def show_work(label: str) -> Generator[None]:
    """Shows that something is being done."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(label)):
        yield


@contextmanager
def count_batches(label: str, total: int) -> Generator[Callable[[], None]]:
    """Gives a function to call after each of `total` batches."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(escape(label), total=total)
        yield lambda: progress.advance(task)

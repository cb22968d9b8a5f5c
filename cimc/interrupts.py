"""Ctrl-C where several processes work, and what becomes of them if the first one is killed."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import parent_process


@contextmanager
def ignoring_interrupts() -> Generator[None]:
    """Leaves Ctrl-C, which goes to all processes of a terminal, to the one that started the others."""
    if threading.current_thread() is not threading.main_thread():
        yield  # another thread handles signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_with_parent() -> None:
    """Lets a worker end with the process that started it, however that ends: nobody else would tell it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

"""Ctrl-C where several processes work."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


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

"""Processes that kill themselves, and what becomes of those that they started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 30
"""In which the others must have ended."""

KILL = """
import os, signal, threading, time
from multiprocessing import active_children

def kill():
    while len(active_children()) < 2:
        time.sleep(0.01)
    print(*(child.pid for child in active_children()), flush=True)
    time.sleep(4)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=kill).start()
"""
"""Waits for two processes to be started, prints their numbers, and lets them work for a while."""


def left_behind(code: str, folder: Path, *arguments: Path) -> list[int]:
    """The numbers of those of two processes that outlive the one that started them.

    That one runs `code`, which must start them and take longer than 4 seconds.
    """
    with (folder / "printed.txt").open("w") as printed:  # a pipe would be open for as long as they live
        done = subprocess.run(
            [sys.executable, "-c", KILL + code, *map(str, arguments)],
            stdout=printed,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            check=False,
        )
    assert done.returncode == -signal.SIGKILL
    workers = [int(pid) for pid in (folder / "printed.txt").read_text().split()]
    assert len(workers) == 2
    deadline = time.monotonic() + SECONDS
    while any(map(_runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [pid for pid in workers if _runs(pid)]


def _runs(pid: int) -> bool:
    """Whether there is a process that has not ended; its parent may not have asked how it did."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

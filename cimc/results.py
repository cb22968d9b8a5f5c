"""What `cimc run` found out about a program, in a file that `cimc report` reads."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from cimc.errors import CimcError
from cimc.tensor_store import write_text

KEYS = frozenset({"program", "what", "shares", "pictures"})


@dataclass(frozen=True)
class Results:
    """How often chips with a program were right."""

    program: str
    """The name of the program's file."""
    what: str
    """What a share is one of: `accuracy`, or how often the class is that of an ideal chip."""
    shares: tuple[float, ...]
    """Of each trial, from 0 to 1."""
    pictures: int


def save_results(results: Results, path: Path) -> None:
    """Writes results as JSON."""
    write_text(path, json.dumps(asdict(results), indent=2) + "\n")


def results_of(data: Any, label: str) -> Results:
    """Results from what stands in a file. Raises `CimcError` if it is something else."""
    try:
        shares = tuple(float(share) for share in cast(Sequence[Any], data["shares"]))
        found = Results(str(data["program"]), str(data["what"]), shares, int(data["pictures"]))
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise CimcError(f"{label}: not results of cimc run: {e}") from None
    if not shares or not all(0 <= share <= 1 for share in shares):
        raise CimcError(f"{label}: not results of cimc run: shares must be from 0 to 1, one at least")
    return found

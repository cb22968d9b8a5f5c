"""Checks of what a target's tables say."""

from collections.abc import Callable
from typing import Any

from cimc.errors import CimcError


def check_number(table: str, key: str, value: Any, wanted: str, holds: Callable[[float], bool]) -> None:
    """Raises `CimcError` with what is `wanted` if a value is no number for which `holds` says so."""
    if type(value) not in (int, float) or not holds(value):
        raise CimcError(f"{table}: {key} must be {wanted}, got {value!r}")

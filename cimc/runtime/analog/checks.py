"""Checks of what a target's tables say."""

from collections.abc import Callable
from typing import Any

from cimc.errors import CimcError


def check_number(table: str, key: str, value: Any, wanted: str, holds: Callable[[float], bool]) -> None:
    """Raises `CimcError` with what is `wanted` if a value is no number for which `holds` says so."""
    try:
        fits = type(value) in (int, float) and holds(float(value))
    except OverflowError:  # a whole number that no float holds
        fits = False
    if not fits:
        raise CimcError(f"{table}: {key} must be {wanted}, got {value!r}")

"""Options of the command line that change what is not ideal about a chip."""

import tomllib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from cimc.errors import CimcError
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.wires import Wires
from cimc.target import NOISE_KEYS, Target


def with_options(target: Target, adc_bits: int | None, noise: Sequence[str]) -> Target:
    """The target with ADCs of so many bits, and with keys of its other tables as `KEY=VALUE` says.

    Raises `CimcError` if there is no such key, or the value is not valid.
    """
    if adc_bits is not None:
        target = target.with_adc(adc_bits, target.adc.range)
    changes: dict[str, Any] = {}
    for text in noise:
        key, equals, value = text.partition("=")
        if not equals or key not in NOISE_KEYS:
            known = ", ".join(sorted(NOISE_KEYS))
            raise CimcError(f"--noise {text}: give KEY=VALUE, where KEY is one of {known}")
        changes[key] = _value(key, value)
    return target.with_noise(**changes)


_TEXTS = {f.name for f in (*fields(Cells), *fields(Wires)) if isinstance(f.default, str)}
"""Keys whose values are words or names of files."""


def _value(key: str, value: str) -> Any:
    """A value as a target file would have it; a text may stand without quotes."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):  # also of numbers of thousands of digits
        if key in _TEXTS:
            return value
        raise CimcError(f"--noise {key}: no value that a target file could hold: {value}") from None

"""Options of the command line that change what is not ideal about a chip."""

import tomllib
from collections.abc import Sequence
from typing import Any

from cimc.errors import CimcError
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
        changes[key] = _value(text, value)
    return target.with_noise(**changes)


def _value(text: str, value: str) -> Any:
    """A value as a target file would have it; words may stand without quotes."""
    if value.replace("-", "").isalpha() and value not in ("true", "false", "inf", "nan"):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        raise CimcError(f"--noise {text}: {value!r} is no value that a target file could hold") from None

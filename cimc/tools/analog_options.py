"""Options of the command line that change what is not ideal about a chip."""

import tomllib
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from cimc.errors import CimcError
from cimc.target import SECTIONS, Target

_NOISE = tuple(key for key in SECTIONS if key != "adc")


def with_options(target: Target, adc_bits: int | None, noise: Sequence[str]) -> Target:
    """The target with ADCs of so many bits, and with keys of its other tables as `KEY=VALUE` says.

    Raises `CimcError` if there is no such key, or the value is not valid.
    """
    if adc_bits is not None:
        target = replace(target, adc=replace(target.adc, bits=adc_bits))
    sections = {f.name: key for key in _NOISE for f in fields(SECTIONS[key])}
    changes: dict[str, dict[str, Any]] = {}
    for text in noise:
        key, equals, value = text.partition("=")
        if not equals or key not in sections:
            raise CimcError(
                f"--noise {text}: give KEY=VALUE, where KEY is one of {', '.join(sorted(sections))}"
            )
        changes.setdefault(sections[key], {})[key] = _value(text, value)
    return replace(
        target, **{section: replace(getattr(target, section), **keys) for section, keys in changes.items()}
    )


def _value(text: str, value: str) -> Any:
    """A value as a target file would have it; words may stand without quotes."""
    if value.replace("-", "").isalpha() and value not in ("true", "false", "inf", "nan"):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        raise CimcError(f"--noise {text}: {value!r} is no value that a target file could hold") from None

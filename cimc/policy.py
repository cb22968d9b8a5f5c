"""Precision policies: the widths of each layer, read from JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, cast

from cimc.errors import CimcError

MIN_BITS, MAX_BITS = 2, 8


@dataclass(frozen=True)
class Widths:
    """Bits of a layer's weights and activations. Raises `CimcError` if out of range."""

    weight_bits: int
    activation_bits: int

    def __post_init__(self) -> None:
        for key, bits in vars(self).items():
            if not isinstance(bits, int) or isinstance(bits, bool):
                raise CimcError(f"{key} must be a whole number, got {bits!r}")
            if not MIN_BITS <= bits <= MAX_BITS:
                raise CimcError(f"{key} must be from {MIN_BITS} to {MAX_BITS}, got {bits}")


Policy: TypeAlias = Mapping[str, Widths]


def load_policy(path: Path) -> Policy:
    """The policy in a JSON file: `{"conv1": {"weight_bits": 4, "activation_bits": 5}, ...}`.

    An object that holds this under `layers`, as published policies do, is taken as well. Raises
    `CimcError` if the file is not such a policy.
    """
    try:
        data: Any = json.loads(path.read_text())
    except OSError as e:
        raise CimcError(f"policy {path}: cannot be read: {e.strerror}") from None
    except (ValueError, RecursionError) as e:
        raise CimcError(f"policy {path}: not valid JSON: {e}") from None
    if isinstance(data, dict) and isinstance(cast(dict[str, Any], data).get("layers"), dict):
        data = cast(dict[str, Any], data)["layers"]
    return policy_of(data, f"policy {path}")


def policy_of(data: Any, label: str = "policy") -> Policy:
    """A policy from parsed JSON. Raises `CimcError` with `label` in front if it is none."""
    if not isinstance(data, dict):
        raise CimcError(f"{label}: an object of layers is needed, got {type(data).__name__}")
    policy: dict[str, Widths] = {}
    for layer, entry in cast(dict[str, Any], data).items():
        keys = set(cast(dict[str, Any], entry)) if isinstance(entry, dict) else None
        if keys != {"weight_bits", "activation_bits"}:
            raise CimcError(f"{label}: layer {layer!r} needs weight_bits and activation_bits, got {entry!r}")
        try:
            policy[layer] = Widths(**cast(dict[str, Any], entry))
        except CimcError as e:
            raise CimcError(f"{label}: layer {layer!r}: {e}") from None
    return policy


def parse_bits(text: str) -> Widths:
    """`W,A` of the command line. Raises `CimcError` if it is something else."""
    try:
        weight, activation = (int(part) for part in text.split(","))
    except ValueError:
        raise CimcError(f"bits are two numbers W,A like 4,8, got {text!r}") from None
    return Widths(weight, activation)


def unknown_layer(name: str, known: list[str]) -> CimcError:
    """The error that a policy names a layer the network does not have."""
    near = get_close_matches(name, known, n=3, cutoff=0.3) or known[:3]
    return CimcError(
        f"the policy names layer {name!r}, which the network does not have; near are "
        f"{', '.join(map(repr, near)) or 'none'}"
    )

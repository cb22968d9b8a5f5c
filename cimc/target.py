"""The hardware that a program is compiled for, read from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from cimc.errors import CimcError
from cimc.runtime.analog.adc import Adc
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.endurance import Endurance
from cimc.runtime.analog.energy import Energy
from cimc.runtime.analog.wires import Wires
from cimc.runtime.encoding import MAPPINGS, MappingName

DEFAULT_TARGET = "rram-256x256-c4"

PICOSECONDS_PER_US = 1_000_000


def ms(ps: int) -> float:
    """Picoseconds in milliseconds."""
    return ps / (1000 * PICOSECONDS_PER_US)


Read: TypeAlias = Literal["differential", "single-ended"]

READS: tuple[Read, ...] = get_args(Read)

NEEDED_READS: Mapping[MappingName, tuple[Read, ...]] = {
    "differential-column": ("differential",),
    "differential-row": ("differential",),
    "mixed-digits": ("differential", "single-ended"),
    "offset": ("single-ended",),
}
"""Pairs need a symmetric ADC, single columns one with a positive range."""


@dataclass(frozen=True)
class Target:
    """One kind of accelerator. The defaults are those of Pelke et al., DATE 2026.

    Raises `CimcError` if a value is out of range.
    """

    name: str
    rows: int = 256
    cols: int = 256
    cell_bits: int = 4
    """Bits that one cell stores."""
    dac_bits: int = 1
    """Input bits that the row drivers apply at a time."""
    write_us: float = 56.0
    """Time to program one tile into a crossbar."""
    mvm_us: float = 1.4
    """Time of one cycle: one input digit of one vector through one crossbar."""
    crossbars: int = 1
    mapping: MappingName = "differential-column"
    reads: tuple[Read, ...] = ("differential", "single-ended")
    """What the ADCs can read: the difference of a pair of columns or rows, or single columns."""
    adc: Adc = field(default_factory=Adc)
    """The ADCs' resolution and range: ideal ones by default."""
    cells: Cells = field(default_factory=Cells)
    """Noise, faults and drift of cells: none by default."""
    wires: Wires = field(default_factory=Wires)
    """The resistance of wires: none by default."""
    energy: Energy = field(default_factory=Energy)
    """What single events take: not known by default."""
    endurance: Endurance = field(default_factory=Endurance)
    """How often a cell can be written: not known by default."""

    def __post_init__(self) -> None:
        for key, section in SECTIONS.items():
            value = getattr(self, key)
            if isinstance(value, Mapping):
                table = cast(Mapping[str, Any], value)
                object.__setattr__(self, key, _section(f"target {self.name}", key, section, table))
            elif not isinstance(value, section):
                raise CimcError(f"target {self.name}: {key} must be a table, got {value!r}")
        self._check_numbers()
        self._check_mapping()
        self.cells.check(self.cell_bits)

    def _check_numbers(self) -> None:
        for key, low, high in (
            ("rows", 1, 1 << 16),
            ("cols", 1, 1 << 16),
            ("cell_bits", 1, 8),
            ("dac_bits", 1, 16),
            ("crossbars", 1, 1 << 16),
        ):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise CimcError(
                    f"target {self.name}: {key} must be a whole number from {low} to {high}, got {value!r}"
                )
        for key in ("write_us", "mvm_us"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise CimcError(f"target {self.name}: {key} must be above 0, got {value!r}")
            if value * PICOSECONDS_PER_US < 0.5:
                raise CimcError(f"target {self.name}: {key} must be a picosecond or more, got {value!r}")
            if value * PICOSECONDS_PER_US > 1 << 62:
                raise CimcError(f"target {self.name}: {key} of {value!r} is too long")

    def _check_mapping(self) -> None:
        if self.mapping not in MAPPINGS:
            raise CimcError(
                f"target {self.name}: mapping must be one of {', '.join(MAPPINGS)}, got {self.mapping!r}"
            )
        reads: Any = self.reads
        known = isinstance(reads, list | tuple) and all(r in READS for r in cast(list[Any], reads))
        if not known or not reads:
            raise CimcError(f"target {self.name}: reads must be some of {', '.join(READS)}, got {reads!r}")
        object.__setattr__(self, "reads", tuple(read for read in READS if read in reads))
        if missing := [read for read in NEEDED_READS[self.mapping] if read not in self.reads]:
            raise CimcError(f"target {self.name}: the {self.mapping} mapping needs {missing[0]} reads")
        for key, mapping in (("cols", "differential-column"), ("rows", "differential-row")):
            if self.mapping == mapping and getattr(self, key) % 2:
                raise CimcError(
                    f"target {self.name}: {mapping} pairs need an even number of {key}, "
                    f"got {getattr(self, key)}"
                )

    @property
    def write_ps(self) -> int:
        """Picoseconds to program one tile: times are summed as integers, so sums are exact."""
        return round(self.write_us * PICOSECONDS_PER_US)

    @property
    def mvm_ps(self) -> int:
        """Picoseconds of one cycle."""
        return round(self.mvm_us * PICOSECONDS_PER_US)

    def input_digits(self, activation_bits: int) -> int:
        """Digits of `dac_bits` bits that drive a row one after the other, of an input of so many bits."""
        return -(-activation_bits // self.dac_bits)

    @property
    def analog(self) -> Analog:
        """What its converters, cells and wires are like."""
        return Analog(self.adc, self.cells, self.wires, self.dac_bits)

    def as_table(self) -> dict[str, Any]:
        """What a file would say of it: all keys, but of tables only what differs from their defaults."""
        table = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in SECTIONS}
        for key, section in SECTIONS.items():
            own, default = getattr(self, key), section()
            changed = [f.name for f in fields(section) if getattr(own, f.name) != getattr(default, f.name)]
            if changed:
                table[key] = {name: getattr(own, name) for name in changed}
        return table

    def with_adc(self, bits: int | None, range: float | None = None) -> "Target":
        """The same target with ADCs of so many bits (None: ideal) and a range in units (None: full)."""
        return replace(self, adc=Adc(bits, range))

    def with_noise(self, **changes: Any) -> "Target":
        """The same target with other values of keys of `cells` and `wires`. Raises `CimcError` for others."""
        tables: dict[str, dict[str, Any]] = {}
        for key, value in changes.items():
            if key not in NOISE_KEYS:
                raise CimcError(f"there is no {key!r} among {', '.join(NOISE_KEYS)}")
            tables.setdefault(NOISE_KEYS[key], {})[key] = value
        return replace(self, **{name: replace(getattr(self, name), **keys) for name, keys in tables.items()})

    def as_ideal(self) -> "Target":
        """The same target with ideal converters, cells and wires."""
        return replace(self, adc=Adc(), cells=Cells(), wires=Wires())

    def with_crossbars(self, crossbars: int | None) -> "Target":
        """The same target with another number of crossbars, if one is given."""
        return self if crossbars is None else replace(self, crossbars=crossbars)

    def allowed_mappings(self) -> tuple[MappingName, ...]:
        """The mappings that its ADCs can read and whose pairs of cells a crossbar holds whole."""
        odd = {
            "differential-column": self.cols % 2,
            "differential-row": self.rows % 2,
            "mixed-digits": self.cols % 2,
        }
        return tuple(m for m in MAPPINGS if not odd.get(m) and set(NEEDED_READS[m]) <= set(self.reads))


SECTIONS: Mapping[str, type[Adc | Cells | Wires | Energy | Endurance]] = {
    "adc": Adc,
    "cells": Cells,
    "wires": Wires,
    "energy": Energy,
    "endurance": Endurance,
}
"""The tables of a target file, by key."""


NOISE_KEYS = {f.name: table for table in ("cells", "wires") for f in fields(SECTIONS[table])}
"""The tables that say how sums differ from what they should be, by key."""


def _section(label: str, key: str, section: type[Any], table: Mapping[str, Any]) -> Any:
    _check_keys(f"{label}: {key}", section, table)
    return section(**table)


def _check_keys(label: str, section: type[Any], table: Mapping[str, Any]) -> None:
    known = {f.name for f in fields(section)}
    if unknown := sorted(set(table) - known):
        raise CimcError(f"{label}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")


def built_in_targets() -> list[str]:
    """Names of the targets that come with the package."""
    folder = resources.files("cimc.targets")
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_target(name_or_file: str) -> Target:
    """A built-in target by its name, or one from a TOML file.

    Raises `CimcError` if there is no such target or the file is not valid.
    """
    if name_or_file in built_in_targets():
        text = resources.files("cimc.targets").joinpath(f"{name_or_file}.toml").read_text()
        return _parse(text, name_or_file)
    path = Path(name_or_file)
    if not path.is_file():
        raise CimcError(f"target {name_or_file}: neither a file nor one of {', '.join(built_in_targets())}")
    try:
        return _parse(path.read_text(), path.stem)
    except (OSError, UnicodeDecodeError) as e:
        raise CimcError(f"target {name_or_file}: cannot be read: {e}") from None


def _parse(text: str, default_name: str) -> Target:
    try:
        table: Mapping[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as e:
        raise CimcError(f"target {default_name}: not valid TOML: {e}") from None
    return target_from(table, default_name)


def target_from(table: Any, default_name: str) -> Target:
    """The target of a table, as a file or a report holds it. Raises `CimcError` if it is not valid."""
    if not isinstance(table, Mapping):
        raise CimcError(f"target {default_name}: must be a table, got {table!r}")
    values: dict[str, Any] = {"name": default_name, **cast(Mapping[str, Any], table)}
    _check_keys(f"target {default_name}", Target, values)
    if not isinstance(values["name"], str):
        raise CimcError(f"target {default_name}: name must be a string")
    return Target(**values)

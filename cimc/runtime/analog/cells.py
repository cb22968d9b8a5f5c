"""Cells: which conductance a code becomes."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.random import Generator

from cimc.errors import CimcError
from cimc.runtime.analog.checks import check_number
from cimc.runtime.analog.streams import normals
from cimc.runtime.arrays import Array

Noise: TypeAlias = Literal["additive", "proportional", "log-normal"]

NOISES: tuple[Noise, ...] = get_args(Noise)


@dataclass(frozen=True)
class Cells:
    """What is not ideal about cells. Conductances are in steps: the mean distance of two levels is 1.

    With g the conductance that a code stands for, and r = 2^cell_bits - 1 the range of codes, noise of a
    deviation s makes of it, with z standard normal:

    - additive: g + s * r * z
    - proportional: g * (1 + s * z)
    - log-normal: g * exp(s * z)

    Gaussians have no bounds: next to 0 a conductance may come out below it. Raises `CimcError` if a value is
    out of range.
    """

    on_off_ratio: float = inf
    """Conductance of the highest level over that of the lowest; levels lie at equal distances between."""
    levels: tuple[float, ...] = ()
    """Conductances of all codes instead, from code 0 on, in any unit."""
    programming_noise: float = 0.0
    """Deviation of what a cell is programmed to, drawn with each write."""
    programming_kind: Noise = "additive"
    read_noise: float = 0.0
    """Deviation of what a cell is read as, drawn in each cycle."""
    read_kind: Noise = "additive"
    stuck_at_off: float = 0.0
    """Share of the cells of a crossbar that stay at the lowest level."""
    stuck_at_on: float = 0.0
    """Share of the cells of a crossbar that stay at the highest level."""
    fault_map: str = ""
    """An .npz file of what cells are stuck instead: `stuck_at_off` and `stuck_at_on`, bool [crossbars, rows,
    cols]."""
    drift_exponent: float = 0.0
    """nu of the power law g(t) = g(t0) * (t / t0)^-nu."""
    drift_exponent_noise: float = 0.0
    """Deviation of nu from cell to cell."""
    drift_s: float = 1.0
    """t: seconds from programming to the inference."""
    drift_start_s: float = 1.0
    """t0: seconds from programming to when conductances are what was programmed."""

    def __post_init__(self) -> None:
        check_number("cells", "on_off_ratio", self.on_off_ratio, "above 1", lambda v: v > 1)
        for key in ("programming_noise", "read_noise", "drift_exponent_noise"):
            check_number("cells", key, getattr(self, key), "0 or more", lambda v: 0 <= v < inf)
        for key in ("stuck_at_off", "stuck_at_on"):
            check_number("cells", key, getattr(self, key), "from 0 to 1", lambda v: 0 <= v <= 1)
        check_number("cells", "drift_exponent", self.drift_exponent, "a number", isfinite)
        for key in ("drift_s", "drift_start_s"):
            check_number("cells", key, getattr(self, key), "above 0", lambda v: 0 < v < inf)
        for key in ("programming_kind", "read_kind"):
            if getattr(self, key) not in NOISES:
                raise CimcError(
                    f"cells: {key} must be one of {', '.join(NOISES)}, got {getattr(self, key)!r}"
                )
        self._check_faults()
        self._check_levels()

    def _check_faults(self) -> None:
        if not isinstance(cast(object, self.fault_map), str):
            raise CimcError(f"cells: fault_map must be the name of a file, got {self.fault_map!r}")
        if self.stuck_at_off + self.stuck_at_on > 1:
            raise CimcError("cells: stuck_at_off and stuck_at_on must not be above 1 together")
        if self.fault_map and self.stuck_at_off + self.stuck_at_on:
            raise CimcError("cells: give fault_map or the shares stuck_at_off and stuck_at_on, not both")

    def _check_levels(self) -> None:
        if not isinstance(cast(object, self.levels), list | tuple):
            raise CimcError(f"cells: levels must be a list of conductances, got {self.levels!r}")
        object.__setattr__(self, "levels", tuple(self.levels))
        for level in self.levels:
            check_number("cells", "levels", level, "0 or more each", lambda v: 0 <= v < inf)
        if self.levels and (self.on_off_ratio != inf or self.levels[-1] <= self.levels[0]):
            raise CimcError(
                "cells: levels must end above where they begin, and say the on_off_ratio themselves"
            )

    def check(self, cell_bits: int) -> None:
        """Raises `CimcError` if a table of levels is not for cells of so many bits."""
        if self.levels and len(self.levels) != 1 << cell_bits:
            raise CimcError(
                f"cells: levels must hold {1 << cell_bits} conductances for {cell_bits} bits, "
                f"got {len(self.levels)}"
            )

    @property
    def has_faults(self) -> bool:
        """Whether cells may be stuck."""
        return bool(self.fault_map) or self.stuck_at_off + self.stuck_at_on > 0

    @property
    def programs_at_random(self) -> bool:
        """Whether a write gives other conductances each time."""
        return self.programming_noise > 0 or (self.drifts and self.drift_exponent_noise > 0)

    @property
    def drifts(self) -> bool:
        """Whether conductances are not what was programmed any more."""
        moved = self.drift_s != self.drift_start_s
        return moved and (self.drift_exponent != 0 or self.drift_exponent_noise > 0)

    def conductances(self, cell_bits: int) -> Array:
        """The conductance that each code stands for, float64 [2^cell_bits], in steps.

        With an on/off ratio of R, the lowest level is at r / (R - 1) steps for r = 2^cell_bits - 1.
        """
        highest = (1 << cell_bits) - 1
        if self.levels:
            table = np.array(self.levels, np.float64)
            return table * (highest / (table[-1] - table[0]))
        return np.arange(highest + 1) + highest / (self.on_off_ratio - 1)


def noisy(g: Array, kind: Noise, deviation: float, highest: int, rng: Generator) -> Array:
    """Conductances as noise makes them, float32, for codes up to `highest`; `Cells` has the formulas."""
    z = normals(rng, g.size).reshape(g.shape)
    z *= np.float32(deviation)
    match kind:
        case "additive":
            z *= np.float32(highest)
            return np.add(g, z, out=z)
        case "proportional":
            z += np.float32(1)
            return np.multiply(g, z, out=z)
        case "log-normal":
            np.exp(z, out=z)
            return np.multiply(g, z, out=z)

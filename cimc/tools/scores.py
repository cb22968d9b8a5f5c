"""How well a program does on its inputs, and how that is spread over trials."""

from collections.abc import Mapping, Sequence

import numpy as np

from cimc.errors import CimcError
from cimc.runtime.arrays import Array

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def classes(name: str, scores: Array) -> Array:
    """The class of each picture: where its scores [pictures, classes] are largest.

    Raises `CimcError` if the output is of another shape.
    """
    if scores.ndim != 2:
        raise CimcError(
            f"the output {name!r} has shape {list(scores.shape)}; accuracy needs scores [pictures, classes]"
        )
    return scores.argmax(axis=1)


def shares(name: str, trials: Sequence[Mapping[str, Array]], labels: Array) -> Array:
    """The share of each trial's pictures that get their label, float64 [trials]."""
    right = [np.count_nonzero(classes(name, trial[name]) == labels) for trial in trials]
    return np.array(right) / len(labels)


def print_shares(what: str, found: Array, pictures: int) -> None:
    """Prints the share of one trial, or how those of several are spread, in percent."""
    if len(found) == 1:
        print(f"{what}: {100 * found[0]:.2f} % of {pictures} pictures")
        return
    quantiles = np.quantile(found, QUANTILES)
    spread = ", ".join(f"{100 * q:g} %: {100 * v:.2f}" for q, v in zip(QUANTILES, quantiles, strict=True))
    print(
        f"{what} in {len(found)} trials of {pictures} pictures, in percent: mean {100 * found.mean():.2f}, "
        f"deviation {100 * found.std(ddof=1):.2f}, from {100 * found.min():.2f} to {100 * found.max():.2f}; "
        f"quantiles {spread}"
    )

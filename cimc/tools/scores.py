"""How well a program does on its inputs, and how that is spread over trials."""

from collections.abc import Sequence

import numpy as np

from cimc.results import Results
from cimc.runtime.arrays import Array

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def classes(scores: Array) -> Array:
    """The class of each picture: where its scores [pictures, classes] are largest."""
    return scores.argmax(axis=1)


def shares(trials: Sequence[Array], labels: Array) -> tuple[float, ...]:
    """Of the scores [pictures, classes] of each trial, the share that say the label."""
    return tuple(np.count_nonzero(classes(scores) == labels) / len(labels) for scores in trials)


def print_results(results: Results) -> None:
    """Prints the share of one trial, or how those of several are spread, in percent."""
    what, found, pictures = results.what, np.array(results.shares), results.pictures
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

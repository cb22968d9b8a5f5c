"""The search from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.pipelines import OptLevel
from cimc.target import DEFAULT_TARGET

if TYPE_CHECKING:
    from cimc.rl.agents.make import AgentName
    from cimc.rl.network.training import Augmentation
    from cimc.rl.problem import SensitivityMethod
    from cimc.tools.search_command import Searched


def search(
    model: str | Path,
    data: str | Path,
    *,
    max_drop: float | Sequence[float],
    output: str | Path | None = None,
    target: str = DEFAULT_TARGET,
    opt_level: OptLevel = 1,
    mapping: str | None = None,
    crossbars: int | None = None,
    agent: "AgentName" = "turns",
    evaluations: int = 200,
    confidence: float = 0.8,
    sensitivity: "SensitivityMethod" = "measured",
    weight_bits: str = "all",
    activation_bits: str = "2-8",
    edges_at_8_bits: bool = False,
    epochs: float = 0,
    rate: float = 3e-4,
    augment: "Augmentation" = "none",
    validation: int = 2000,
    calibration: int = 256,
    workers: int = 1,
    ray: str | None = None,
    seed: int = 0,
) -> "Searched":
    """Finds the widths that make a model fastest for a loss of accuracy, as `cimc search` does.

    - `data`: an `.npz` with `x_train`, `y_train`, `x_val`, `y_val`, `x_test`, `y_test`, or some of them;
    - `max_drop`: points of top-1 that may be lost, one budget or several;
    - `output`: a folder for what is found, by default `MODEL-search`; a stopped search goes on there;
    - the others: as on the command line, whose documentation says what they do.

    Writes `model.onnx` (QCDQ), `policy.json`, the front and a report into the folder. Raises `CimcError` for
    whatever is wrong with the input, or if `cimc[search]` is not installed.
    """
    from cimc.tools.search_command import SearchArguments, searched

    arguments = SearchArguments(
        model=Path(model),
        data=Path(data),
        max_drop=(max_drop,) if isinstance(max_drop, int | float) else tuple(max_drop),
        output=None if output is None else Path(output),
        target=target,
        opt_level=opt_level,
        mapping=mapping,
        crossbars=crossbars,
        agent=agent,
        evaluations=evaluations,
        confidence=confidence,
        sensitivity=sensitivity,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        edges_at_8_bits=edges_at_8_bits,
        epochs=epochs,
        rate=rate,
        augment=augment,
        validation=validation,
        calibration=calibration,
        workers=workers,
        ray=ray,
        seed=seed,
    )
    return searched(arguments)

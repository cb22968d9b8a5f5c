"""A search's problem: a network, what its layers may be, and how policies are evaluated; from files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext, new_context
from cimc.driver import run_pipeline
from cimc.errors import CimcError
from cimc.frontend.importer import import_onnx
from cimc.main_function import set_target
from cimc.pipelines import Options, layers_pipeline
from cimc.policy import MAX_BITS, Widths
from cimc.report import Report
from cimc.rl.constraints import Constraints
from cimc.rl.costs import latency_table
from cimc.rl.evaluation import Rung
from cimc.rl.features import LayerFeatures, features_of
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.evaluator import NetworkEvaluator, Pictures
from cimc.rl.network.fisher import fisher
from cimc.rl.network.network import Network
from cimc.rl.network.scores import Reference, outputs_of
from cimc.rl.network.sensitivity import measured
from cimc.rl.network.statistics import Statistics
from cimc.rl.network.training import Training
from cimc.rl.pictures import SearchData, Split, load_data
from cimc.rl.space import Choices, Space, without_beaten
from cimc.rl.surrogate import Sensitivities
from cimc.rl.tensors import tensor_of
from cimc.target import Target
from cimc.what_if import layers_of, report_for

CALIBRATION_BATCH = 25
"""Pictures at a time: each batch adds a sample of values, and tails need many."""

Progress = Callable[[str], None]

SensitivityMethod: TypeAlias = Literal["measured", "fisher"]
"""Each width of each layer by itself, or all from the gradients of one pass."""


@dataclass(frozen=True)
class ProblemSpec:
    """All that a problem follows from; the same one gives the same evaluations, wherever it is built."""

    model: Path
    data: Path
    target: Target
    mapping: Options
    """How the compiler maps what the search finds."""
    constraints: Constraints
    validation: int
    """Pictures that select."""
    calibration: int
    """Pictures that ranges and statistics are found with."""
    sensitivity: int
    """Pictures of these that sensitivities are found with."""
    sensitivity_method: SensitivityMethod
    short: Training
    full: Training
    seed: int
    checkpoints: Path | None = None
    """A folder, of this problem only, for what interrupted trainings go on from."""


class Problem:
    """What a search works on, in memory."""

    def __init__(self, spec: ProblemSpec, progress: Progress = lambda what: None) -> None:
        """Raises `CimcError` for a model or data that a search can do nothing with."""
        self.spec = spec
        progress("reading the model")
        self.ctx, self.module = _imported(spec)
        layers = layers_of(self.module)
        if not layers:
            raise CimcError(f"{spec.model}: has no layers that run on crossbars")
        self.features: list[LayerFeatures] = features_of(layers)
        self.network = Network(self.ctx, self.module).eval()
        if self.network.unread_layers:  # nothing would tell what they lose, and exported files lack them
            raise CimcError(
                f"{spec.model}: the first output, which a search looks at, does not depend on layer "
                f"{self.network.unread_layers[0]!r}; cut the other outputs off"
            )
        if spec.full.epochs > 0 and spec.full.augmentation != "none" and len(self.network.input_shape) != 3:
            raise CimcError(
                f"--augment {spec.full.augmentation} needs pictures [channels, height, width], those of "
                f"{spec.model} are {list(self.network.input_shape)}"
            )
        progress("reading the data")
        classes = self._classes()
        self.data: SearchData = load_data(
            spec.data,
            self.network.input_shape,
            classes,
            validation=spec.validation,
            calibration=spec.calibration,
            seed=spec.seed,
        )
        progress("mapping all widths")
        self.space = self._space([layer.layer.data for layer in layers])
        progress("running the model as it was given")
        validation = _pictures(self.data.validation)
        self.given = self._given()
        reference = Reference(outputs_of(self.given, validation.x), validation.y)
        if not torch.isfinite(reference.outputs).all():
            raise CimcError(f"{spec.model}: its outputs on the pictures of {spec.data} are not all finite")
        progress("calibrating")
        self._calibrated = tensor_of(self.data.calibration)
        batches = torch.split(self._calibrated, CALIBRATION_BATCH)
        widths = {bits for option in self.space.options for bits in vars(option).values()}
        calibrate(self.network, batches, sorted({*widths, MAX_BITS}))
        rungs: dict[Rung, Training] = {"short": spec.short, "full": spec.full}
        self.evaluator = NetworkEvaluator(
            self.network,
            self.given,
            reference,
            self.space,
            Statistics(self.given, self._calibrated),
            tensor_of(self.data.training.x),
            validation,
            rungs,
            spec.seed,
            spec.checkpoints,
        )

    def _classes(self) -> int:
        with torch.no_grad():
            outputs = self.network(torch.zeros(1, *self.network.input_shape))
        if outputs.ndim != 2 or len(outputs) != 1 or outputs.shape[1] < 2:
            raise CimcError(
                f"{self.spec.model}: a search needs one score for each of some classes, [pictures, classes]; "
                f"the first output is {list(outputs.shape)} for one picture"
            )
        return outputs.shape[1]

    def _space(self, names: list[str]) -> Space:
        constraints, mapping = self.spec.constraints, self.spec.mapping
        options = constraints.options()
        latency = latency_table(self.ctx, self.module, mapping, options)
        allowed = without_beaten(latency, constraints.allowed(len(names)), options)
        widest = {name: Widths(MAX_BITS, MAX_BITS) for name in names}
        report = report_for(self.ctx, self.module, mapping, widest)
        return Space(tuple(names), options, latency, allowed, report.latency_8bit_ps)

    def _given(self) -> Network:
        """The model as the file has it, with its own quantisation if it has any."""
        ctx, module = _imported(self.spec, keep_qdq=True)
        return Network(ctx, module).eval()

    @cached_property
    def sensitivities(self) -> Sensitivities:
        """What each width of each layer costs by itself."""
        x = self._calibrated[: self.spec.sensitivity]
        if self.spec.sensitivity_method == "fisher":
            return fisher(self.network, self.space, x, self.spec.seed)
        return measured(self.network, self.space, x)

    def report(self, choices: Choices) -> Report:
        """The compiler's report of a policy: exact also where layers share several crossbars."""
        return report_for(self.ctx, self.module, self.spec.mapping, self.space.policy(choices))


def _imported(spec: ProblemSpec, *, keep_qdq: bool = False) -> tuple[CimcContext, ModuleOp]:
    ctx = new_context()
    module = import_onnx(spec.model, ctx.tensors, 1)
    set_target(module, spec.target)
    run_pipeline(ctx, module, layers_pipeline(keep_qdq=keep_qdq))
    return ctx, module


def _pictures(split: Split) -> Pictures:
    return Pictures(tensor_of(split.x), tensor_of(split.y))

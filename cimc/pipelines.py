"""The stages of the compiler as data: `--emit=STAGE` runs the pipeline that is written here."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from cimc.errors import CimcError

Stage: TypeAlias = Literal["onnx", "cim", "report", "xbar", "trace", "html"]

STAGES: tuple[Stage, ...] = get_args(Stage)

OptLevel: TypeAlias = Literal[0, 1]
"""0 is the paper's mapping and schedule, 1 all that leaves the integers equal."""

_TO_ONNX = ("onnx-fold-constants",)

_TO_LAYERS = (
    "onnx-decompose-attention",
    "onnx-fold-batch-norm",
    "convert-onnx-to-cim",
    "cim-assign-precision",
)

_CALIBRATE = ("cim-calibrate",)

_MAP = (
    ("cim-select-mapping", "cim-pack-groups"),
    ("cim-select-stationary", "cim-select-mapping", "cim-pack", "cim-stack-planes", "cim-allot-crossbars"),
)
"""By optimisation level."""

LAST_CHOICE = tuple(names[-1] for names in _MAP)
"""The pass after which all is known that the report tells, by optimisation level."""

_TO_CODES = ("cim-quantize-weights", "cim-quantize")

_TO_MVMS = ("cim-im2col", "cim-encode", "cim-tile")

_TO_XBAR = (
    (*_TO_CODES, *_TO_MVMS, "cim-place", "cim-order", "convert-cim-to-xbar"),
    (
        *_TO_CODES,
        "cim-swap-operands",
        "cim-unsigned-codes",
        *_TO_MVMS,
        "cim-schedule",
        "convert-cim-to-xbar",
    ),
)
"""By optimisation level."""


def _passes(stage: Stage, level: OptLevel) -> tuple[str, ...]:
    """The names of the passes that lead to a stage."""
    to_map = _MAP[level]
    match stage:
        case "onnx":
            return _TO_ONNX
        case "cim":
            return (*_TO_ONNX, *_TO_LAYERS, *_CALIBRATE, *to_map)
        case "report":
            return (*_TO_ONNX, *_TO_LAYERS, *to_map)
        case "xbar" | "trace" | "html":
            return (*_TO_ONNX, *_TO_LAYERS, *_CALIBRATE, *to_map, *_TO_XBAR[level])


@dataclass(frozen=True)
class Options:
    """What the command line says of passes."""

    policy: str | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None
    calibrate: str | None = None
    calibration: str | None = None
    mapping: str | None = None
    opt_level: OptLevel = 1
    schedule: str | None = None
    stationary: str = "weights"

    def of(self, pass_name: str) -> dict[str, str | int]:
        """The options of one pass."""
        options: dict[str, dict[str, str | int | None]] = {
            "cim-assign-precision": {
                "policy": self.policy,
                "weight-bits": self.weight_bits,
                "activation-bits": self.activation_bits,
            },
            "cim-calibrate": {"data": self.calibrate, "method": self.calibration},
            "cim-select-mapping": {
                "mapping": self.mapping,
                "digits": "fewest" if self.opt_level else None,
            },
            "cim-select-stationary": {
                "mapping": self.mapping,
                "stationary": None if self.stationary == "weights" else self.stationary,
            },
            "cim-allot-crossbars": {"schedule": self.schedule},
        }
        given = options.get(pass_name, {})
        return {key: value for key, value in given.items() if value is not None}


def pipeline(stage: Stage, options: Options) -> str:
    """The pipeline that leads to a stage, as `cimc-opt -p` takes it.

    Raises `CimcError` for options that do not go together.
    """
    if options.opt_level == 0 and options.stationary != "weights":
        raise CimcError(f"stationary {options.stationary} needs -O1: -O0 stores weights, as the paper does")
    if options.opt_level == 0 and options.schedule is not None:
        raise CimcError(f"schedule {options.schedule} needs -O1: -O0 takes one tile after the other")
    # When things happen does not depend on ranges, so what tells of it takes any.
    return _pipeline(_passes(stage, options.opt_level), options, always_calibrated=stage in ("trace", "html"))


def layers_pipeline(*, keep_qdq: bool = False) -> str:
    """The pipeline from an imported file to layers whose precision can be edited, as a search does.

    With `keep_qdq`, the file's own quantisation of activations stays.
    """
    return _pipeline((*_TO_ONNX, *_TO_LAYERS, *(() if keep_qdq else ("cim-drop-qdq",))), Options())


def mapping_pipeline(options: Options) -> str:
    """The pipeline from layers with a precision to all that their report tells."""
    return _pipeline(_MAP[options.opt_level], options)


def _pipeline(passes: tuple[str, ...], options: Options, *, always_calibrated: bool = False) -> str:
    needed = {
        "cim-assign-precision": options.policy is not None or options.weight_bits is not None,
        "cim-calibrate": options.calibrate is not None or always_calibrated,
    }
    return ",".join(_spec(name, options.of(name)) for name in passes if needed.get(name, True))


def _spec(name: str, options: dict[str, str | int]) -> str:
    if not options:
        return name
    texts = (f"{key}={_quoted(v) if isinstance(v, str) else v}" for key, v in options.items())
    return f"{name}{{{' '.join(texts)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

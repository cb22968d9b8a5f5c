"""The passes of cimc: one decision a pass, one pass a file.

A pass `cim-tile` is the class `CimTilePass` in `cim_tile.py`; other files hold what passes share.
"""

from collections.abc import Callable
from importlib import import_module

from xdsl.passes import ModulePass

PASSES = (
    "cim-allot-crossbars",
    "cim-assign-precision",
    "cim-calibrate",
    "cim-drop-qdq",
    "cim-encode",
    "cim-im2col",
    "cim-order",
    "cim-pack",
    "cim-pack-groups",
    "cim-place",
    "cim-quantize",
    "cim-quantize-weights",
    "cim-schedule",
    "cim-select-mapping",
    "cim-select-stationary",
    "cim-stack-planes",
    "cim-swap-operands",
    "cim-tile",
    "cim-unsigned-codes",
    "convert-cim-to-xbar",
    "convert-onnx-to-cim",
    "onnx-decompose-attention",
    "onnx-fold-batch-norm",
    "onnx-fold-constants",
    "weights-digest",
    "weights-inline",
    "xbar-calibrate-adc",
)


def get_all_cimc_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """Factories of our passes by name; a pass's file is imported when it is first used."""

    def factory(name: str) -> Callable[[], type[ModulePass]]:
        def load() -> type[ModulePass]:
            module = import_module(f"cimc.passes.{name.replace('-', '_')}")
            class_name = "".join(part.capitalize() for part in name.split("-"))
            return getattr(module, f"{class_name}Pass")

        return load

    return {name: factory(name) for name in PASSES}

"""The dialects of cimc, each loaded when it is first used.

`weights` names arrays that live beside the IR, `onnx` holds one op a node, `cim` the quantised layers and
how they are mapped, `xbar` the machine. Dialects import no passes.
"""

from collections.abc import Callable

from xdsl.ir import Dialect


def get_all_cimc_dialects() -> dict[str, Callable[[], Dialect]]:
    """Factories of our dialects by name."""

    def get_cim() -> Dialect:
        from cimc.dialects.cim import Cim

        return Cim

    def get_onnx() -> Dialect:
        from cimc.dialects.onnx import Onnx

        return Onnx

    def get_weights() -> Dialect:
        from cimc.dialects.weights import Weights

        return Weights

    def get_xbar() -> Dialect:
        from cimc.dialects.xbar import Xbar

        return Xbar

    return {"cim": get_cim, "onnx": get_onnx, "weights": get_weights, "xbar": get_xbar}

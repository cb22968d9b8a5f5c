"""The layers that a pass goes through."""

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp

from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError


def layers_on_codes(module: ModuleOp) -> Iterator[LayerOp]:
    """The layers of a module, which may be replaced meanwhile. Raises `CimcError` if one takes floats."""
    for layer in [op for op in module.walk() if isinstance(op, LayerOp)]:
        if not layer.is_integer:
            raise CimcError(f"layer {layer.layer.data!r} is not quantised yet; run cim-quantize")
        yield layer

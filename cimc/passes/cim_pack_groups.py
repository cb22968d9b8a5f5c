"""Pass `cim-pack-groups`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.dialects.cim.attributes import PackingAttr
from cimc.dialects.cim.layers import ConvOp
from cimc.errors import CimcError
from cimc.layer_shape import paper_packing
from cimc.main_function import target_of


@dataclass(frozen=True)
class CimPackGroupsPass(ModulePass):
    """Decides how many groups of a grouped or depthwise convolution share a crossbar.

    A group reads only its own channels, so the matrix of several groups is block-diagonal. As many
    groups as fit one crossbar are taken together.

    ```mlir
    %y = cim.conv(%x, %w) {layer = "dw", groups = 64 : i64, …} : …
    ```
    becomes, with 3x3 kernels and 4-bit digits in differential columns,
    ```mlir
    %y = cim.conv(%x, %w) {layer = "dw", groups = 64 : i64,
        packing = #cim.packing<groups 28, positions [1, 1]>, …} : …
    ```
    """

    name = "cim-pack-groups"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(op)
        for layer in op.walk():
            if not isinstance(layer, ConvOp) or layer.groups.value.data == 1:
                continue
            if layer.encoding is None:
                raise CimcError(f"layer {layer.layer.data!r} has no encoding; select a mapping first")
            packing = paper_packing(layer, layer.encoding.data, target)
            layer.packing = None if packing.is_plain else PackingAttr(packing)

"""Pass `cim-pack`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.attributes import PackingAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.layer_shape import layer_product
from cimc.main_function import target_of
from cimc.mapping.choose import best_packing


@dataclass(frozen=True)
class CimPackPass(ModulePass):
    """Decides what shares a crossbar: a patch of output positions of a convolution, or several vectors of a
    product; groups of a grouped convolution, or heads of an attention product.

    A patch of positions stores the kernel once for each, shifted: a band matrix, whose rows are the pixels
    that the patch reads. One vector then serves the whole patch. Groups lie on the diagonal. The numbers are
    those that cost least; a layer that has a packing keeps it. If a cover of the band is known that takes
    fewer tiles than its columns one after the other, the packing says so (`covered`).

    Options: `covers` is `known` (default) or `none`, which does without.

    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv2", …} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> …
    ```
    becomes, with 8-bit weights in 4-bit cells and an offset,
    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv2", packing = #cim.packing<groups 1, positions [1, 2]>, …} : …
    ```
    """

    name = "cim-pack"

    covers: str = "known"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.covers not in ("known", "none"):
            raise CimcError(f"cim-pack: covers must be known or none, got {self.covers!r}")
        target = target_of(op)
        for layer in op.walk():
            if not isinstance(layer, LayerOp) or layer.packing is not None:
                continue
            if layer.encoding is None:
                raise CimcError(f"layer {layer.layer.data!r} has no encoding; select a mapping first")
            if layer.precision is None:
                raise CimcError(f"layer {layer.layer.data!r} has no precision; assign one first")
            product = layer_product(cimc_context(ctx), layer, target)
            packing = best_packing(product, layer.encoding.data, target, covers=self.covers == "known")
            if not packing.is_plain:
                layer.packing = PackingAttr(packing)

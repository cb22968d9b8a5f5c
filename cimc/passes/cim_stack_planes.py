"""Pass `cim-stack-planes`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.attributes import EncodingAttr, PackingAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.layer_shape import layer_product, packing_of
from cimc.main_function import target_of
from cimc.mapping.choose import mapped
from cimc.passes.ways import best_way


@dataclass(frozen=True)
class CimStackPlanesPass(ModulePass):
    """Decides how many bits of an input are applied in one cycle, on rows of their own.

    A layer with few inputs leaves most rows of a crossbar empty. There, the matrix is stored once more for
    each further bit plane, times 2 for the next bit, times 4 for the one after: k planes take k times the
    rows, one digit more for every `cell_bits` planes, and a k-th of the cycles. Where that is faster than
    what the layer has, its encoding and its packing are chosen anew.

    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1",
        encoding = #cim.encoding<"offset", cell_bits 4, slices 2, digital>, …}
        : (tensor<1x3x224x224xf32>, tensor<64x3x3x3xf32>) -> …
    ```
    becomes, with 8-bit inputs,
    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1",
        encoding = #cim.encoding<"offset", cell_bits 4, slices 4, digital, planes 8 of 1>, …} : …
    ```
    """

    name = "cim-stack-planes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context, target = cimc_context(ctx), target_of(op)
        for layer in op.walk():
            if not isinstance(layer, LayerOp):
                continue
            if layer.encoding is None:
                raise CimcError(f"layer {layer.layer.data!r} has no encoding; select a mapping first")
            product, encoding = layer_product(context, layer, target), layer.encoding.data
            if encoding.unit_columns:
                continue  # a column of ones reads no stacked planes
            before = mapped(product, encoding, packing_of(layer, product), target)
            way = best_way(context, layer, (encoding.mapping,), target)
            if way.encoding.planes > 1 and way.latency_ps < before.latency_ps:
                layer.encoding = EncodingAttr(way.encoding)
                layer.packing = None if way.packing.is_plain else PackingAttr(way.packing)

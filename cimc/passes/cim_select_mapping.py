"""Pass `cim-select-mapping`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.context import CimcContext, cimc_context
from cimc.cost import encoding_for
from cimc.dialects.cim.attributes import EncodingAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.layer_shape import paper_packing, plain_product
from cimc.main_function import target_of
from cimc.mapping.choose import mapped
from cimc.mapping.digits import fewest_digits
from cimc.passes.codes import codes_to_store
from cimc.passes.ways import best_way, family
from cimc.runtime.encoding import Encoding, MappingName
from cimc.target import Target


@dataclass(frozen=True)
class CimSelectMappingPass(ModulePass):
    """Decides for each layer how its weights lie in cells: the mapping and the number of digits.

    Options:
    - `mapping` is a mapping's name, or `any` for that which costs least in each layer; without it the target
      decides. With fewest digits, `mixed-digits` takes pairs throughout where that costs less, and none for
      codes without a sign.
    - `digits`: `paper` (default) gives a weight one digit for each `cell_bits` bits, and an offset a column
      of ones; `fewest` gives as few digits as its codes need: a pair needs no bit for the sign, balanced
      digits hold more, the digital part takes the offset off.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 8>} : …
    ```
    becomes, with 4-bit cells,
    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 8>,
        encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : …
    ```
    """

    name = "cim-select-mapping"

    mapping: str | None = None
    digits: str = "paper"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.digits not in ("paper", "fewest"):
            raise CimcError(f"cim-select-mapping: digits must be paper or fewest, got {self.digits!r}")
        target = target_of(op)
        mappings = family(self.mapping, target)
        for layer in op.walk():
            if not isinstance(layer, LayerOp):
                continue
            if layer.precision is None:
                raise CimcError(f"layer {layer.layer.data!r} has no precision; assign one first")
            if self.digits == "paper":
                encoding = _paper_encoding(cimc_context(ctx), layer, mappings, target)
            else:
                encoding = _short_encoding(cimc_context(ctx), layer, mappings, target)
            layer.encoding = EncodingAttr(encoding)


def _paper_encoding(
    ctx: CimcContext, layer: LayerOp, mappings: tuple[MappingName, ...], target: Target
) -> Encoding:
    """The encoding of the paper's mappings that costs least; the paper does not mix digits."""
    assert layer.precision is not None
    if layer.stationary is not None:
        raise CimcError(
            f"layer {layer.layer.data!r} stores its inputs, and the paper's digits are those of weights; "
            "take digits=fewest"
        )
    if mappings[0] == "mixed-digits":
        encoding = fewest_digits("mixed-digits", *codes_to_store(ctx, layer), target)
        assert encoding is not None, "weights have 16 bits at most"
        return encoding
    bits = layer.precision.weight
    encodings = [encoding_for(m, bits, target) for m in mappings if m != "mixed-digits"]
    product = plain_product(layer, target, layer.precision.activation)
    return min(
        encodings,
        key=lambda e: mapped(product, e, paper_packing(layer, e, target), target).latency_ps,
    )


def _short_encoding(
    ctx: CimcContext, layer: LayerOp, mappings: tuple[MappingName, ...], target: Target
) -> Encoding:
    """The encoding of the mapping that costs least in the best packing, before planes are stacked."""
    mapping = best_way(ctx, layer, mappings, target).encoding.mapping
    encoding = fewest_digits(mapping, *codes_to_store(ctx, layer), target)
    assert encoding is not None, "there is one with more planes"
    return encoding

"""Pass `cim-select-mapping`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.cost import encoding_for, layer_cost
from cimc.dialects.cim.attributes import EncodingAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.layer_shape import packed_shape
from cimc.main_function import target_of
from cimc.runtime.encoding import MAPPINGS, Encoding, MappingName
from cimc.target import Target


@dataclass(frozen=True)
class CimSelectMappingPass(ModulePass):
    """Decides for each layer how its weights lie in cells: the mapping and the number of digits.

    Options: `mapping` is a mapping's name, or `any` for that which costs least in each layer; without it
    the target decides.

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

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(op)
        mapping = self.mapping or target.mapping
        if mapping != "any" and mapping not in MAPPINGS:
            raise CimcError(f"the mapping must be one of {', '.join(MAPPINGS)} or any, got {mapping!r}")
        if mapping != "any" and mapping not in allowed_mappings(target):
            raise CimcError(
                f"the {mapping} mapping needs pairs, but crossbars of {target.name} have "
                f"{target.rows} rows and {target.cols} columns"
            )
        for layer in op.walk():
            if not isinstance(layer, LayerOp):
                continue
            if layer.precision is None:
                raise CimcError(f"layer {layer.layer.data!r} has no precision; assign one first")
            candidates = allowed_mappings(target) if mapping == "any" else (mapping,)
            encodings = [encoding_for(m, layer.precision.weight, target) for m in candidates]
            costs = [_latency_ps(layer, encoding, target) for encoding in encodings]
            layer.encoding = EncodingAttr(encodings[costs.index(min(costs))])


def allowed_mappings(target: Target) -> tuple[MappingName, ...]:
    """The mappings whose pairs of cells a crossbar of the target holds whole."""
    odd = {"differential-column": target.cols % 2, "differential-row": target.rows % 2}
    return tuple(m for m in MAPPINGS if not odd.get(m))


def _latency_ps(layer: LayerOp, encoding: Encoding, target: Target) -> int:
    assert layer.precision is not None
    shape = packed_shape(layer, encoding, target)
    return layer_cost(shape, encoding, layer.precision.activation, target).latency_ps

"""How layers of a module can be mapped: what the passes that choose share."""

from cimc.context import CimcContext
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.layer_shape import layer_product
from cimc.mapping.choose import Mapped, best
from cimc.passes.codes import codes_to_store
from cimc.runtime.encoding import MAPPINGS, MappingName
from cimc.target import NEEDED_READS, Target


def family(mapping: str | None, target: Target) -> tuple[MappingName, ...]:
    """The mappings that an option allows, by default the target's. Raises `CimcError` if there are none."""
    allowed = target.allowed_mappings()
    name = mapping or target.mapping
    if name == "any":
        return allowed
    if name not in MAPPINGS:
        raise CimcError(f"the mapping must be one of {', '.join(MAPPINGS)} or any, got {name!r}")
    if missing := [read for read in NEEDED_READS[name] if read not in target.reads]:
        raise CimcError(f"the {name} mapping needs {missing[0]} reads, which {target.name} does not have")
    if name not in allowed:
        raise CimcError(
            f"the {name} mapping needs pairs, but crossbars of {target.name} have "
            f"{target.rows} rows and {target.cols} columns"
        )
    # All digits in pairs are the special case without lower digits.
    return (name, "differential-column") if name == "mixed-digits" else (name,)


def best_way(ctx: CimcContext, layer: LayerOp, mappings: tuple[MappingName, ...], target: Target) -> Mapped:
    """The fastest way to map a layer in one of some mappings. Raises `CimcError` if its codes fit none."""
    if layer.precision is None:
        raise CimcError(f"layer {layer.layer.data!r} has no precision; assign one first")
    product, codes = layer_product(ctx, layer, target), codes_to_store(ctx, layer)
    if "mixed-digits" in mappings and codes[0] >= 0:
        mappings = ("offset", *mappings)  # without a sign, no digit needs a pair
    ways = [best(product, codes, mapping, target) for mapping in mappings]
    found = [way for way in ways if way is not None]
    if not found:
        raise CimcError(f"layer {layer.layer.data!r}: no digits hold codes from {codes[0]} to {codes[1]}")
    return min(found, key=lambda way: way.latency_ps)

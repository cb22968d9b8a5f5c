"""Names of ONNX nodes, kept as locations of ops."""

from collections.abc import Sequence

from xdsl.dialects.builtin import NameLoc, NoneAttr, StringAttr
from xdsl.ir import Operation


def names_of(op: Operation) -> list[str]:
    """The names in an op's location: that of the ONNX node, then that of the module it comes from."""
    names: list[str] = []
    location = op.location
    while isinstance(location, NameLoc):
        names.append(location.desc.data)
        location = location.location
    return names


def location_of(names: Sequence[str]) -> NameLoc:
    """The location that holds these names, the first outermost; there must be one at least."""
    inner = location_of(names[1:]) if len(names) > 1 else NoneAttr()
    return NameLoc(StringAttr(names[0]), inner)


def node_of(op: Operation) -> str:
    """What to call an op in a message: `node 'conv1' (onnx.Conv)`."""
    names = names_of(op)
    return f"node {names[0]!r} ({op.name})" if names else op.name

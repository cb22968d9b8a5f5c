"""Older spellings of operators in their newest form.

Where an operator's attribute became an input, the value becomes a constant input. Sources: the
version histories at https://onnx.ai/onnx/operators/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from cimc.runtime.arrays import Array

Attributes: TypeAlias = dict[str, Any]


@dataclass
class Node:
    """A node on its way: inputs are value names, or arrays that become constants; None is left out."""

    op_type: str
    inputs: list[str | Array | None]
    outputs: list[str]
    attributes: Attributes


RankOf: TypeAlias = Callable[[str], int | None]
"""Gives the number of dimensions of a value, where it is known."""


def modernize(node: Node, opset: int, rank_of: RankOf) -> list[Node]:
    """The node of an older opset in the newest form: itself, changed, and rarely nodes around it.

    Raises `ValueError` if that cannot be told.
    """
    if opset < 6:
        node.attributes.pop("consumed_inputs", None)  # a hint for working in place
    for op_types, changed_in, change in _CHANGES:
        if node.op_type in op_types and opset < changed_in:
            change(node)
    ranks = [rank_of(name) if isinstance(name, str) else None for name in node.inputs]
    if node.op_type in ("Softmax", "LogSoftmax") and opset < 13:
        return _flat_softmax(node, ranks[0])
    if node.op_type in (*_BINARY, "PRelu") and opset < 7:
        return _aligned(node, ranks)
    return [node]


def _to_input(attribute: str, position: int, dtype: str = "int64") -> Callable[[Node], None]:
    def change(node: Node) -> None:
        value = node.attributes.pop(attribute, None)
        if value is None:
            return
        node.inputs += [None] * (position + 1 - len(node.inputs))
        node.inputs[position] = np.asarray(value, dtype)

    return change


def _drop(*attributes: str) -> Callable[[Node], None]:
    def change(node: Node) -> None:
        for attribute in attributes:
            node.attributes.pop(attribute, None)

    return change


def _clip(node: Node) -> None:
    for position, key in ((1, "min"), (2, "max")):
        _to_input(key, position, "float32")(node)


def _cast(node: Node) -> None:
    """The type was a name."""
    from onnx import TensorProto

    if isinstance(name := node.attributes.get("to"), str):
        node.attributes["to"] = TensorProto.DataType.Value(name)


def _concat(node: Node) -> None:
    node.attributes.setdefault("axis", 1)


def _slice(node: Node) -> None:
    for position, key in ((1, "starts"), (2, "ends"), (3, "axes")):
        _to_input(key, position)(node)


def _pad(node: Node) -> None:
    _to_input("pads", 1)(node)
    _to_input("value", 2, "float32")(node)


def _flat_softmax(node: Node, rank: int | None) -> list[Node]:
    """Up to opset 12 the axes from `axis` (by default 1) on were one."""
    axis = node.attributes.pop("axis", 1)
    node.attributes["axis"] = -1
    if axis == -1 or axis + 1 == rank:
        return [node]
    x, y = node.inputs[0], node.outputs[0]
    flat, soft, shape = (f"{y}.{part}" for part in ("flat", "softmax", "shape"))
    node.inputs, node.outputs = [flat], [soft]
    return [
        Node("Flatten", [x], [flat], {"axis": axis}),
        node,
        Node("Shape", [x], [shape], {}),
        Node("Reshape", [soft, shape], [y], {}),
    ]


_BINARY = ("Add", "Div", "Equal", "Mul", "Pow", "Sub")


def _aligned(node: Node, ranks: list[int | None]) -> list[Node]:
    """Up to opset 6 the second operand's axes were the first's from `axis` on, a slope's that of channels."""
    aligned = node.attributes.pop("broadcast", 0) or node.op_type == "PRelu"
    axis = node.attributes.pop("axis", 1 if node.op_type == "PRelu" else None)
    if not aligned or axis is None or ranks[1] == 0 or ranks[0] == ranks[1]:
        return [node]
    if len(ranks) != 2 or ranks[0] is None or ranks[1] is None:
        raise ValueError(f"the shapes that {node.op_type} of this opset broadcasts are not known")
    missing = ranks[0] - (axis if axis >= 0 else axis + ranks[0]) - ranks[1]
    if missing <= 0:
        return [node]
    slope, unsqueezed = node.inputs[1], f"{node.outputs[0]}.aligned"
    node.inputs[1] = unsqueezed
    axes = np.array(range(ranks[1], ranks[1] + missing))
    return [Node("Unsqueeze", [slope, axes], [unsqueezed], {}), node]


_CHANGES: list[tuple[tuple[str, ...], int, Callable[[Node], None]]] = [
    (("BatchNormalization",), 14, _drop("spatial", "is_test")),
    (("Cast",), 6, _cast),
    (("Clip",), 11, _clip),
    (("Concat",), 4, _concat),
    (("Dropout",), 12, _drop("ratio", "is_test")),
    (("Gemm",), 7, _drop("broadcast")),
    (("Pad",), 11, _pad),
    (("ReduceMax", "ReduceMean"), 18, _to_input("axes", 1)),
    (("ReduceSum", "Squeeze", "Unsqueeze"), 13, _to_input("axes", 1)),
    (("Reshape",), 5, _to_input("shape", 1)),
    (("Slice",), 10, _slice),
    (("Split",), 13, _to_input("split", 1)),
]

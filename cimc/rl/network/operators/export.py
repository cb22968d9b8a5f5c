"""Operators that stay the ONNX nodes they were when torch exports them.

Traced through, one node would become several: torch has no pads that differ from side to side, and
writes arithmetic on shapes for many functions.

Within an operator, integer scalars must not be added: torch 2.13 fails to export `x + 0` there
("Argument passed to at() was not in the map").
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx
import torch
from torch import Tensor

Operator = Callable[..., tuple[Tensor, ...]]

# How the exporter marks the types of attributes, by numpy's kinds of elements.
_SUFFIXES = {"i": "i", "f": "f", "U": "s"}


@dataclass(frozen=True)
class _Call:
    """An operator with all that are not tensors."""

    op_type: str
    domain: str
    operator: Operator
    attributes: Mapping[str, Any]
    present: Sequence[bool]
    """Which of the inputs are not left out."""

    def arrange(self, tensors: Iterable[Any], absent: Callable[[], Any]) -> list[Any]:
        """The inputs by position."""
        remaining = iter(tensors)
        return [next(remaining) if there else absent() for there in self.present]


def as_node(op_type: str, operator: Operator, domain: str = "") -> Operator:
    """`operator`, which becomes one node of type `op_type` in an export."""

    def run(*inputs: Tensor | None, **attributes: Any) -> tuple[Tensor, ...]:
        if not torch.onnx.is_in_onnx_export():
            return operator(*inputs, **attributes)
        call = _Call(op_type, domain, operator, attributes, [x is not None for x in inputs])
        return cast(Any, _Node).apply(call, *(x for x in inputs if x is not None))

    return run


def as_nodes(operators: Mapping[str, Operator]) -> dict[str, Operator]:
    """Each operator as a node of the type that it is named by."""
    return {op_type: as_node(op_type, operator) for op_type, operator in operators.items()}


class _Node(torch.autograd.Function):
    """A call of an operator that the exporter does not look into."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        return call.operator(*call.arrange(tensors, lambda: None), **call.attributes)

    @staticmethod
    def symbolic(g: Any, call: _Call, *values: Any) -> Any:
        def absent() -> Any:
            value = g.op("prim::Constant")
            value.setType(cast(Any, torch.OptionalType).ofTensor())
            return value

        attributes = {n: value for n, value in call.attributes.items() if value not in (None, (), [])}
        outputs = attributes.pop("num_results", 1)
        if not call.domain:
            attributes = _known(call.op_type, attributes, g.opset)
        written = {
            f"{name}_{_SUFFIXES[np.asarray(value).dtype.kind]}": value for name, value in attributes.items()
        }
        name = f"{call.domain}::{call.op_type}" if call.domain else call.op_type
        return g.op(name, *call.arrange(values, absent), outputs=outputs, **written)


def _known(op_type: str, attributes: Mapping[str, Any], opset: int) -> dict[str, Any]:
    """The attributes that ONNX has in the exported opset.

    Raises `ValueError` if another one has not the default value, so that it matters.
    """
    known = onnx.defs.get_schema(op_type, opset).attributes
    newest = onnx.defs.get_schema(op_type).attributes
    for name in attributes.keys() - known.keys():
        default = onnx.helper.get_attribute_value(newest[name].default_value)
        value = attributes[name]
        if (value.encode() if isinstance(value, str) else value) != default:
            raise ValueError(f"opset {opset} has no attribute {name} of {op_type}, which is {value!r}")
    return {name: value for name, value in attributes.items() if name in known}
